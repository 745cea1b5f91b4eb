"""The memory of the cache is full: what expires, sessions among it, is evicted to make room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof


def fill_memory() -> dict[str, Any]:
    """The memory of the cache is full, until `free_memory`; it evicts what expires.

    Raises:
        ControlFailure: the pattern has no cache, or it could not be proved that keys were evicted.
    """
    return fault(FillCache.action)


def free_memory() -> dict[str, Any]:
    """The cache has memory enough again; what was evicted stays away.

    Raises:
        ControlFailure: the cache does not answer.
    """
    return call(FillCache.end_action)


@runtime_checkable
class CanFill(Protocol):
    """A cache whose memory can be filled."""

    def fill_memory(self) -> tuple[int, str]:
        """Fill it; the number of keys evicted by that, and how it was seen in words."""

    def free_memory(self) -> None:
        """Take limit and ballast away; idempotent."""

    def is_full(self) -> bool:
        """Whether its primary is one whose memory was filled."""

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""


@dataclass(frozen=True)
class Arguments:
    """None: there is one cache."""


class FillCache(Fault):
    """The primary's memory is full; undone by taking limit and ballast away."""

    name = "fill_memory"
    action = "elasticache/fill-memory"
    end_action = "elasticache/free-memory"
    domain = "cache"
    client = "statedrill.faults.elasticache.fill_memory"
    description = "the cache's memory is full: what expires is evicted, until free_memory"
    arguments = Arguments
    targets = ("cache",)
    phrase = "the memory of the cache was full"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._cache = cast(CanFill, target.service("cache"))
        self._filled = (0, "")

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not("cache", CanFill, "filled")

    @override
    def inject(self) -> None:
        self._filled = self._cache.fill_memory()

    @override
    def prove(self) -> Proof:
        """The server counts what it evicts."""
        evicted, sentence = self._filled
        return Proof(evicted > 0, sentence)

    @override
    def is_over(self) -> bool:
        return not self._cache.is_full() and self._cache.is_healthy()

    @override
    def undo(self) -> None:
        self._cache.free_memory()
