"""What had returned before a call: running maxima within groups of rows.

A precedes b iff ret(a) < call(b), strictly (rules R1, R2, R7). Groups are lanes of an object or
whole objects. Knows no definition of any finding.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.frame import Array, Frame
from statedrill.check.sorting import run_starts

NONE = -1


class Returned:
    """The rows of each group in the order of their return, and how many came before each call.

    `group` numbers the group of every row; rows of one group need not be neighbours.
    """

    def __init__(self, frame: Frame, group: Array) -> None:
        self._group = group
        ends = frame.key(group, frame.ret)
        calls = frame.key(group, frame.call)
        self._order: Array | None = None
        if len(ends) == 0 or bool((ends[:-1] < calls[1:]).all()):
            # one operation after the other: all rows above have returned
            self._before = np.arange(len(group))
            return
        if not bool((ends[1:] >= ends[:-1]).all()):
            self._order = np.argsort(ends, kind="stable")
            ends = ends[self._order]
        self._before = np.searchsorted(ends, calls, side="left")

    def greatest(self, chosen: Array, value: Array, rows: Array) -> Array:
        """For each of `rows`: the greatest `value` (>= 0) among the `chosen` rows of its group
        that had returned before its call; NONE where there is none.
        """
        bits = int(value.max(initial=0) + 1).bit_length()
        packed = self._group.astype(np.int64) << bits
        packed[chosen] |= value[chosen] + 1
        if self._order is not None:
            packed = packed[self._order]
        running = np.maximum.accumulate(packed)
        before = self._before[rows]
        found = running[before - 1]
        same = (before > 0) & ((found >> bits) == self._group[rows])
        return np.where(same, (found & ((1 << bits) - 1)) - 1, NONE)


def lanes(frame: Frame) -> Array:
    """The number of each row's (object, lane)."""
    lane = frame["lane"]
    if len(lane) == 0 or not bool((lane != lane[0]).any()):
        return frame.obj
    width = int(lane.max()) + 1
    key = frame.obj * width + lane
    order = np.argsort(key, kind="stable")
    group = np.empty(len(key), dtype=np.int64)
    group[order] = np.cumsum(run_starts(key[order])) - 1
    return group
