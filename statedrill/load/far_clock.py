"""The clock of another machine, read over a network: how far ahead it is, and how sure that is.

A clock that is asked at one moment and answers at another showed its time somewhere in between:
half the way there and back is the estimate, and the most it can be wrong by (Cristian,
Probabilistic Clock Synchronization, 1989). Pure: times come in as arguments.
"""

from __future__ import annotations

from typing import NamedTuple


class Reading(NamedTuple):
    """The other clock is `ahead_ns` ahead of ours, give or take `error_ns`."""

    ahead_ns: int
    error_ns: int


def reading(asked_ns: int, theirs_ns: int, heard_ns: int) -> Reading:
    """What one question tells: asked and heard on our clock, answered on the other."""
    return Reading(theirs_ns - (asked_ns + heard_ns) // 2, (heard_ns - asked_ns + 1) // 2)


class FarClock:
    """The other clock as the best of `readings` showed it; from then on it is watched for drift.

    `ahead_ns` never changes: a clock that is corrected in the middle could turn the order of what
    it has timed. How far it has drifted away since is part of the error that is told.
    """

    def __init__(self, readings: list[Reading]) -> None:
        best = min(readings, key=lambda each: each.error_ns)
        self.ahead_ns = best.ahead_ns
        self._newest: Reading | None = best

    def look(self, seen: Reading) -> None:
        """One more reading; the surest one since the last `error_ms` counts."""
        if self._newest is None or seen.error_ns < self._newest.error_ns:
            self._newest = seen

    def error_ms(self) -> float | None:
        """How wrong `ahead_ns` may be by now, at most; None: no reading since the last call."""
        seen, self._newest = self._newest, None
        if seen is None:
            return None
        return round((abs(seen.ahead_ns - self.ahead_ns) + seen.error_ns) / 1e6, 3)
