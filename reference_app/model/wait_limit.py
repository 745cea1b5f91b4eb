"""How long a write has waited for another one, and when that one is given up: pure.

An order that nobody could break would stop a user's state for ever when a queue loses one
message, which a queue promises not to do and may do all the same. So waiting has an end: after a
multiple of the time in which a dead worker's messages come again.
"""

from __future__ import annotations

from collections.abc import Iterable

LEAST_S = 10.0
TIMES_VISIBILITY = 4
STEP_S = 0.5
"""The most that counts between two looks: a process that was frozen has not been waiting."""
REMEMBERED = 10_000


class Patience:
    """Adds up the time each write was seen waiting. `visibility_s` is that of its queue."""

    def __init__(self, visibility_s: float) -> None:
        self._limit_s = max(LEAST_S, TIMES_VISIBILITY * visibility_s)
        self._waited_s: dict[str, float] = {}
        self._last_s: float | None = None

    def see(self, waiting: Iterable[str], now_s: float) -> None:
        """These writes were found waiting, by a look into the database at `now_s`."""
        step_s = 0.0 if self._last_s is None else min(now_s - self._last_s, STEP_S)
        self._last_s = now_s
        for one in waiting:
            self._waited_s[one] = self._waited_s.get(one, 0.0) + step_s
        while len(self._waited_s) > REMEMBERED:
            del self._waited_s[next(iter(self._waited_s))]

    def done(self, writes: Iterable[str]) -> None:
        """These writes are applied."""
        for one in writes:
            self._waited_s.pop(one, None)

    def forget(self) -> None:
        """The database could not be asked: nobody could have made progress meanwhile."""
        self._waited_s.clear()
        self._last_s = None

    def overdue(self) -> frozenset[str]:
        """The writes that need not wait any longer."""
        return frozenset(
            one for one, waited_s in self._waited_s.items() if waited_s > self._limit_s
        )
