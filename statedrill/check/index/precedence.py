"""What had returned before a call: running maxima within groups of rows.

a precedes b iff ret(a) < call(b), strictly (docs/definitions.md#r2). Groups are clients of
an object or whole objects. Knows no definition of any finding.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.index.operations import OperationTable
from statedrill.check.numeric.arrays import NONE, Array, run_numbers


class Predecessors:
    """The rows of each group in the order of their return, and how many came before each call.

    `group` numbers the group of every row; rows of one group need not be neighbours.
    """

    def __init__(self, table: OperationTable, group: Array) -> None:
        self.group = group
        self._base = table.key(group, 0)
        self._order: Array | None = None
        self._before: Array | None = None
        ends, calls = self._base + table.ret, self._base + table.call
        if bool((ends[:-1] < calls[1:]).all()):
            return  # one operation after the other: all rows above have returned
        if not bool((ends[1:] >= ends[:-1]).all()):
            self._order = np.argsort(ends, kind="stable")
            ends = ends[self._order]
        self._before = np.searchsorted(ends, calls, side="left")

    def greatest_before(self, chosen: Array, value: Array, rows: Array) -> Array:
        """For each of `rows`: the greatest `value` (at least 0, below the clock's top) among the
        `chosen` rows of its group that had returned before its call; NONE where there is none.
        """
        packed = self._base + (value + 1) * chosen
        if self._order is not None:
            packed = packed[self._order]
        running = np.maximum.accumulate(packed, out=packed)
        before = rows if self._before is None else self._before[rows]
        found = running[before - 1] - self._base[rows] - 1
        # what lies before the group's own base belongs to an earlier group
        found[before == 0] = NONE
        greatest: Array = np.maximum(found, NONE)
        return greatest


def clients(table: OperationTable) -> Array:
    """The number of each row's (object, client). A client calls strictly one after another: the
    record's column `lane` within its session.
    """
    lane = table["lane"]
    if len(lane) == 0 or not bool((lane != lane[0]).any()):
        return table.object_of
    width = int(lane.max()) + 1
    key = table.object_of * width + lane
    order = np.argsort(key, kind="stable")
    client = np.empty(len(key), dtype=np.int64)
    client[order] = run_numbers(key[order])
    return client
