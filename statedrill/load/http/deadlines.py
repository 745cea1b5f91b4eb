"""When to stop waiting for a response: one timer for all connections of a process.

A timer per request would cost more than the bytes of the request. Here a request costs one
assignment, and the timer checks all open connections: exact to about 20 ms. Knows no HTTP.
"""

from __future__ import annotations

import time
from typing import Protocol

from statedrill.load.http.event_loop import Hub

NEVER = 2**63
_STEP_S = 0.02


class Expiring(Protocol):
    """Something that may have a deadline (monotonic ns; NEVER: none at the moment)."""

    deadline_ns: int

    def expire(self) -> None:
        """The deadline has passed; called in the event loop."""


class Deadlines:
    """The deadlines of one event loop."""

    def __init__(self, hub: Hub) -> None:
        self._watched: set[Expiring] = set()
        self._timer = hub.loop.timer(_STEP_S, repeat=_STEP_S, ref=False)
        self._timer.start(self._check)

    @classmethod
    def of(cls, hub: Hub) -> Deadlines:
        """The deadlines of `hub`, made with the first use."""
        found: Deadlines | None = getattr(hub, "statedrill_deadlines", None)
        if found is None:
            found = cls(hub)
            setattr(hub, "statedrill_deadlines", found)  # noqa: B010
        return found

    def watch(self, expiring: Expiring) -> None:
        """Check its deadline from now on."""
        self._watched.add(expiring)

    def forget(self, expiring: Expiring) -> None:
        """Check it no more; safe to call twice."""
        self._watched.discard(expiring)

    def _check(self) -> None:
        now = time.monotonic_ns()
        for expiring in [each for each in self._watched if each.deadline_ns < now]:
            expiring.expire()
