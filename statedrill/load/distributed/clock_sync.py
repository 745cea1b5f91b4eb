"""The clock of another machine, read over a network: how far ahead it is, and how sure that is.

A clock that is asked at one moment and answers at another showed its time somewhere in between:
half the way there and back is the estimate, and the most it can be wrong by (Cristian,
Probabilistic Clock Synchronization, 1989). Pure: times come in as arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Two free-running clocks drift apart by less than this, in ns per ns: crystals are good to 100 ppm,
# and 500 ppm is the most by which an operating system slews a clock (adjtimex).
DRIFT = 500e-6


class Reading(NamedTuple):
    """The remote clock is `ahead_ns` ahead of ours, give or take `error_ns`; heard at `at_ns`."""

    ahead_ns: int
    error_ns: int
    at_ns: int = 0


def reading(asked_ns: int, remote_ns: int, heard_ns: int) -> Reading:
    """What one question shows: asked and heard on our clock, answered on the remote one."""
    error_ns = (heard_ns - asked_ns + 1) // 2
    return Reading(remote_ns - (asked_ns + heard_ns) // 2, error_ns, heard_ns)


class RemoteClock:
    """The remote clock as the best of `readings` showed it; later ones watch it for drift.

    `ahead_ns` never changes: a clock that is corrected in the middle could turn the order of what
    it has timed. How far it may have drifted since is part of the error that is reported.
    """

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._best = min(readings, key=lambda each: each.error_ns)
        self.ahead_ns = self._best.ahead_ns

    def observe(self, found: Reading) -> None:
        """One more reading. It counts when it is surer than what is known, or contradicts it.

        An answer that had to queue says little about the clock, and changes nothing.
        """
        known_error_ns = self._error_ns(found.at_ns)
        apart_ns = abs(found.ahead_ns - self._best.ahead_ns)
        if found.error_ns <= known_error_ns or apart_ns > found.error_ns + known_error_ns:
            self._best = found

    def error_ms(self, now_ns: int) -> float:
        """How wrong `ahead_ns` may be at `now_ns`, at most."""
        apart_ns = abs(self._best.ahead_ns - self.ahead_ns)
        return round((apart_ns + self._error_ns(now_ns)) / 1e6, 3)

    def _error_ns(self, now_ns: int) -> float:
        return self._best.error_ns + DRIFT * max(now_ns - self._best.at_ns, 0)
