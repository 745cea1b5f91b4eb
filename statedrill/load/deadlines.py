"""When to stop waiting for an answer: one timer for all connections of a process.

A timer per request would cost more than the request's own bytes. Time-outs are few in value, so
each value has a queue in which the oldest comes first. Exact to about 20 ms. Knows nothing of HTTP.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

_STEP_S = 0.02


class Expiring(Protocol):
    """Something with a deadline."""

    def expire(self) -> None:
        """The deadline has passed; called once, in the event loop."""


class Deadlines:
    """The deadlines of one event loop."""

    def __init__(self, hub: Any) -> None:
        self._queues: dict[float, dict[Expiring, float]] = {}
        self._where: dict[Expiring, dict[Expiring, float]] = {}
        self._timer = hub.loop.timer(_STEP_S, repeat=_STEP_S, ref=False)
        self._timer.start(self._check)

    @classmethod
    def of(cls, hub: Any) -> Deadlines:
        """The deadlines of `hub`, made with the first use."""
        found = getattr(hub, "statedrill_deadlines", None)
        if found is None:
            found = cls(hub)
            hub.statedrill_deadlines = found
        return found

    def add(self, expiring: Expiring, timeout_s: float) -> None:
        """Expire it `timeout_s` from now, unless it is removed."""
        queue = self._queues.get(timeout_s)
        if queue is None:
            queue = self._queues[timeout_s] = {}
        queue[expiring] = time.monotonic() + timeout_s
        self._where[expiring] = queue

    def remove(self, expiring: Expiring) -> None:
        """It came in time; safe to call twice."""
        queue = self._where.pop(expiring, None)
        if queue is not None:
            queue.pop(expiring, None)

    def _check(self) -> None:
        now = time.monotonic()
        for queue in list(self._queues.values()):
            while queue:
                oldest = next(iter(queue))
                if queue[oldest] > now:
                    break
                self.remove(oldest)
                oldest.expire()
