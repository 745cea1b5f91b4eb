"""What mistakes have in common that delete data of a cache, whose nodes stay up.

A cache with snapshots is restored in the end: to the newest that is older than the mistake.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import Any, Protocol, cast

from typing_extensions import override

from statedrill.faults.base import Fault, FaultTarget
from statedrill.faults.data_loss import Restorable, RestorePoint


class Cache(Protocol):
    """A cache that can be asked how it is."""

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""


class CacheMistake(Fault):
    """Only a snapshot can undo it; without one it is over at once."""

    def __init__(self, target: FaultTarget, arguments: Any) -> None:
        cache = target.service("cache")
        self._healthy = cast(Cache, cache).is_healthy
        self._restorable = cache if isinstance(cache, Restorable) and cache.has_backup() else None
        self._to_restore: RestorePoint | None = None
        # A restore ends the nodes that are there now.
        nodes = self._restorable.nodes() if self._restorable else ()
        self.targets = [each.name for each in nodes] or ["cache"]

    @override
    def inject(self) -> None:
        if self._restorable:
            self._to_restore = RestorePoint(time.monotonic_ns(), "before the mistake")
        self._make_mistake()

    @abstractmethod
    def _make_mistake(self) -> None:
        """Delete the data."""

    @override
    def is_over(self) -> bool:
        return not self._to_restore and self._healthy()

    @override
    def undo(self) -> None:
        """Order the restore; who waits until the target is healthy waits for its end."""
        if self._restorable and self._to_restore:
            self._restorable.order_restore(self._to_restore)
        self._to_restore = None
