"""Every key of the cache is gone at once, as after a FLUSHALL by mistake; its nodes stay up.

A cache with snapshots is restored in the end: to the newest that is older than the mistake.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof
from statedrill.faults.data_loss import Restorable, RestorePoint


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


class FlushCache(Fault):
    """FLUSHALL on the primary, which its replica follows; only a snapshot can undo it."""

    name = "flush"
    action = "elasticache/flush"
    domain = "data"
    client = "statedrill.faults.elasticache.flush"
    description = "FLUSHALL: every key of the cache is gone, the nodes stay up"
    arguments = Arguments
    phrase = "the cache was emptied"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._cache = cast(CanFlush, target.service("cache"))
        self._flushed = (0, 0, "")
        cache = self._cache
        self._restorable = cache if isinstance(cache, Restorable) and cache.has_backup() else None
        self._to_restore: RestorePoint | None = None
        # A restore ends the nodes that are there now.
        nodes = self._restorable.nodes() if self._restorable else ()
        self.targets = [each.name for each in nodes] or ["cache"]

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not("cache", CanFlush, "flushed")

    @override
    def inject(self) -> None:
        if self._restorable:
            self._to_restore = RestorePoint(time.monotonic_ns(), "before the flush")
        self._flushed = self._cache.flush()

    @override
    def prove(self) -> Proof:
        """The service saw the sentinel key and every other key go in one transaction."""
        before, after, sentence = self._flushed
        return Proof(before > after or after == 0, sentence)

    @override
    def is_over(self) -> bool:
        return not self._to_restore and self._cache.is_healthy()

    @override
    def undo(self) -> None:
        """Order the restore; who waits until the target is healthy waits for its end."""
        if self._restorable and self._to_restore:
            self._restorable.order_restore(self._to_restore)
        self._to_restore = None
