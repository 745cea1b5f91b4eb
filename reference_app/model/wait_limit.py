"""How long a write waits for its predecessor before that one counts as lost: pure, no clock.

Without a limit, one message that a queue loses would stop a user's state for ever; a queue
promises not to lose any, and does now and then. The limit is a multiple of the time after which
the queue delivers the messages of a dead worker again.
"""

from __future__ import annotations

from collections.abc import Iterable

LEAST_LIMIT_S = 10.0
VISIBILITY_TIMEOUTS = 4
LONGEST_STEP_S = 0.5
"""The most that counts between two observations: a process that was paused did not wait."""
MOST_TRACKED = 10_000


class WaitLimit:
    """Adds up how long each write was held. `visibility_s`: visibility timeout of the queue."""

    def __init__(self, visibility_s: float) -> None:
        self._limit_s = max(LEAST_LIMIT_S, VISIBILITY_TIMEOUTS * visibility_s)
        self._waited_s: dict[str, float] = {}
        self._last_s: float | None = None

    def observe(self, held: Iterable[str], now_s: float) -> None:
        """The database, asked at `now_s`, held these writes back."""
        step_s = 0.0 if self._last_s is None else min(now_s - self._last_s, LONGEST_STEP_S)
        self._last_s = now_s
        for name in held:
            self._waited_s[name] = self._waited_s.get(name, 0.0) + step_s
        while len(self._waited_s) > MOST_TRACKED:
            del self._waited_s[next(iter(self._waited_s))]

    def applied(self, names: Iterable[str]) -> None:
        """These writes are applied."""
        for name in names:
            self._waited_s.pop(name, None)

    def reset(self) -> None:
        """The database did not answer, so no predecessor could be applied meanwhile."""
        self._waited_s.clear()
        self._last_s = None

    def overdue(self) -> frozenset[str]:
        """The writes that need not wait any longer."""
        return frozenset(
            name for name, waited_s in self._waited_s.items() if waited_s > self._limit_s
        )
