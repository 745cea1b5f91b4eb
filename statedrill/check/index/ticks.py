"""Ticks: moments as small integers that fit, beside the number of a group, into one int64.

A tick is the nanosecond since the first call; where that leaves too little room for the group,
ticks are ranks of all moments: every comparison stays the same. Knows times only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.numeric.arrays import Array
from statedrill.history.operation import FOREVER

_KEY_BITS = 62
VERSION_BITS = 34  # versions (32 bits) are packed like ticks


@dataclass(frozen=True)
class Clock:
    """Ticks of a part: `top` stands for FOREVER; `bits` of a key hold the tick."""

    origin_ns: int
    bits: int
    ranks: Array | None  # the nanoseconds of tick 1, 2, … where ticks are ranks

    @property
    def top(self) -> int:
        """The tick of FOREVER."""
        return (1 << self.bits) - 1

    def ticks(self, times_ns: Array) -> Array:
        """The ticks of `times_ns` (int64; values from FOREVER up give `top`)."""
        if self.ranks is None:
            ticks = times_ns - (self.origin_ns - 1)
        else:
            ticks = np.searchsorted(self.ranks, times_ns) + 1
        ticks[np.flatnonzero(times_ns >= FOREVER)] = self.top
        return ticks

    def ns(self, ticks: Array) -> Array:
        """The inverse of `ticks`, for ticks of real moments."""
        if self.ranks is None:
            times: Array = ticks + (self.origin_ns - 1)
        else:
            times = self.ranks[np.clip(ticks - 1, 0, len(self.ranks) - 1)]
        return times


def make_clock(call_ns: Array, ret_ns: Array, end_ns: Array, groups: int) -> Clock:
    """The clock of a part with these moments and at most `groups` groups."""
    real = [call_ns, ret_ns[ret_ns < FOREVER], end_ns[end_ns < FOREVER]]
    first = min((int(times.min()) for times in real if len(times)), default=0)
    last = max((int(times.max()) for times in real if len(times)), default=0)
    bits = max((last - first + 3).bit_length(), VERSION_BITS)
    if groups.bit_length() + bits <= _KEY_BITS:
        return Clock(first, bits, None)
    ranks = np.unique(np.concatenate(real))
    return Clock(first, max((len(ranks) + 3).bit_length(), VERSION_BITS), ranks)
