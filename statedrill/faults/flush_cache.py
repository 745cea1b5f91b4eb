"""Every key of the cache is gone at once, as after a FLUSHALL by mistake; its nodes stay up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.faults.base import Capabilities, FaultTarget, Proof
from statedrill.faults.cache_mistake import CacheMistake


def flush() -> dict[str, Any]:
    """Every key of the cache is gone at once.

    Raises:
        ControlFailure: the pattern has no cache, or the keys could not be proved to be gone.
    """
    return fault(FlushCache.action)


def key_count() -> int:
    """The number of keys that the cache holds now."""
    return int(call("elasticache/key-count").get("keys", 0))


@runtime_checkable
class CanFlush(Protocol):
    """A cache that can be emptied."""

    def flush(self) -> tuple[int, int, str]:
        """Remove every key and a sentinel key planted among them.

        Returns the number of keys before and after (of which the sentinel is none), and the proof
        in words.
        """

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""


@dataclass(frozen=True)
class Arguments:
    """None: there is one cache."""


class FlushCache(CacheMistake):
    """FLUSHALL on the primary, which its replica follows; only a snapshot can undo it."""

    name = "flush"
    action = "elasticache/flush"
    domain = "data"
    client = "statedrill.faults.elasticache.flush"
    description = "FLUSHALL: every key of the cache is gone, the nodes stay up"
    arguments = Arguments
    phrase = "the cache was emptied"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        super().__init__(target, arguments)
        self._cache = cast(CanFlush, target.service("cache"))
        self._flushed = (0, 0, "")

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not("cache", CanFlush, "flushed")

    @override
    def _make_mistake(self) -> None:
        self._flushed = self._cache.flush()

    @override
    def prove(self) -> Proof:
        """The service saw the sentinel key and every other key go in one transaction."""
        before, after, sentence = self._flushed
        return Proof(before > after or after == 0, sentence)
