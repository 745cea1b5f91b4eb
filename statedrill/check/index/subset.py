"""A case cut down to some of its objects: the same rows, ticks and sessions, other numbers.

Rows are numbered anew, so everything that names a row or an object is translated.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from statedrill.check.index.list_reads import Lists
from statedrill.check.index.observations import NONE, Case
from statedrill.check.index.operations import Frame
from statedrill.check.numeric.stable_sort import Array

_PER_ROW = (
    "read", "valid", "leak", "phantom", "unrecorded", "rejected", "replay", "effective", "acked",
    "accepted", "promised", "answered", "ack", "shown",
)  # fmt: skip


def narrow(case: Case, objects: Array) -> tuple[Case, Array]:
    """`case` with only the `objects` (bool per object), and the row of `case` of each of its rows.

    The result's frame keeps the numbers of the sessions and has no table of write ids.
    """
    rows = np.flatnonzero(objects[case.frame.obj])
    renumbered = _Numbers(case, objects, rows)
    cut = {name: getattr(case, name)[rows] for name in _PER_ROW}
    per_value = {
        name: np.concatenate([getattr(case, name)[rows], getattr(case, name)[renumbered.initial]])
        for name in ("first", "last", "version")
    }
    fresh = replace(
        case,
        frame=_frame(case.frame, objects, rows, renumbered),
        lists=_lists(case.lists, renumbered),
        target=renumbered.rows(case.target[rows]),
        element=renumbered.rows(case.element[rows]),
        value=renumbered.values(case.value[rows]),
        made={},
        **cut,
        **per_value,
    )
    return fresh, rows


class _Numbers:
    """Old numbers of rows, objects and values to new ones; NONE for what was cut off."""

    def __init__(self, case: Case, objects: Array, rows: Array) -> None:
        size = len(case.frame)
        self.objects = np.cumsum(objects) - 1
        self.initial = size + np.flatnonzero(objects)
        self._values = np.full(size + len(objects) + 1, NONE, dtype=np.int64)
        self._values[rows] = np.arange(len(rows))
        self._values[self.initial] = len(rows) + np.arange(len(self.initial))

    def values(self, old: Array) -> Array:
        """New numbers of values (or rows); the last place of the table answers for NONE."""
        values: Array = self._values[old]
        return values

    rows = values


def _frame(frame: Frame, objects: Array, rows: Array, renumbered: _Numbers) -> Frame:
    obj = renumbered.objects[frame.obj[rows]]
    starts = np.searchsorted(obj, np.arange(int(objects.sum())))
    names = ("order", "outcome", "odd", "ver", "server_session", "call", "ret", "end", "sess",
             "model")  # fmt: skip
    cut = {name: getattr(frame, name)[rows] for name in names}
    return replace(
        frame,
        columns={name: column[rows] for name, column in frame.columns.items()},
        target=renumbered.rows(frame.target[rows]),
        obj=obj,
        obj_starts=starts,
        **cut,
    )


def _lists(lists: Lists, renumbered: _Numbers) -> Lists:
    rows = renumbered.rows(lists.rows)
    kept = rows != NONE
    items = np.repeat(kept, lists.lengths)
    lengths = lists.lengths[kept]
    return Lists(
        rows=rows[kept],
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        row_of=renumbered.rows(lists.row_of[items]),
        ids=lists.ids[items],
        item=renumbered.rows(lists.item[items]),
        misplaced=lists.misplaced[items],
        logical=lists.logical[items] if len(lists.logical) else lists.logical,
    )
