"""How much load a profile plans at each moment: users, or sessions a second.

Pure: a function of time in, its integrals over stretches of time out. Knows no clock and no Locust.
"""

from __future__ import annotations

import math
from collections.abc import Callable

_STEP_S = 0.05


class PlannedCourse:
    """The load that `profile` gives for an elapsed time in seconds, and none from `end_s` on.

    It begins at zero and changes by at most `change_per_s` a second: that is how Locust follows a
    profile of users, of which it starts and stops so many a second. Arrivals change at once.
    """

    def __init__(
        self, profile: Callable[[float], float], end_s: float, change_per_s: float = math.inf
    ) -> None:
        self._profile = profile
        self._end_s = end_s
        self._change_per_s = change_per_s
        self._elapsed_s = 0.0
        self._load = 0.0

    def total_until(self, elapsed_s: float) -> float:
        """The load times the seconds, from the last call (from the start, at first) till then."""
        total = 0.0
        while self._elapsed_s < elapsed_s:
            step_s = min(_STEP_S, elapsed_s - self._elapsed_s)
            self._advance(step_s)
            total += self._load * step_s
        return total

    def end(self, elapsed_s: float) -> None:
        """Nothing is planned from this moment on."""
        self._end_s = min(self._end_s, elapsed_s)

    def _advance(self, step_s: float) -> None:
        self._elapsed_s += step_s
        if self._elapsed_s > self._end_s:
            self._load = 0.0
            return
        most = self._change_per_s * step_s
        change = self._profile(self._elapsed_s) - self._load
        self._load += max(-most, min(most, change))
