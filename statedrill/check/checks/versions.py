"""Versioned objects: every applied write adds one to the object's version.

Key 2·ver for a write and 2·ver+1 for a read: linearizable iff no a, b have key(a) > key(b) and
ret(a) < call(b). The version is the suspect's own testimony: it is cross-examined with the ids
(two writes with one version, one write with two versions), and `register` judges the ids alone.
Who is to blame for a version and an id that disagree is undecided: a write that took effect twice
has two versions, and so has one that was confirmed with a version that it did not become.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.duplicates import held_twice
from statedrill.check.checks.marks import Marks
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array, run_starts

_NEVER = np.iinfo("i8").max


def newer_shown_by(case: Case) -> tuple[Array, Array]:
    """Rows that show an older version than one that had returned before their call.

    Returns the rows, and for each, as a tick, the earliest return of a newer version.
    """
    frame = case.frame
    rows = np.flatnonzero(case.shown != NONE)
    write = case.effective[rows]
    order_key = 2 * case.shown[rows] + ~write
    width = int(order_key.max(initial=0)).bit_length()
    packed = (frame.obj[rows] << width) | order_key
    rows, packed = _out_of_order(frame.obj, rows, packed)
    if len(rows) == 0:
        return rows, rows
    order = np.argsort(packed, kind="stable")
    rows, packed = rows[order], packed[order]
    ends = np.where(case.effective[rows], frame.end[rows], frame.ret[rows])
    done = frame.key(frame.obj[rows], ends)
    least = np.append(np.minimum.accumulate(done[::-1])[::-1], _NEVER)
    newer = least[np.searchsorted(packed, packed, side="right")]
    broken = newer < frame.key(frame.obj[rows], frame.call[rows])
    return rows[broken], frame.tick_of(newer[broken])


def versions(case: Case) -> Marks:
    """Confirmed writes that share their version with another one: only one can be the truth."""
    size = len(case.frame)
    marks = Marks(np.zeros(size, dtype=bool), np.zeros(size, dtype=bool))
    rows = np.flatnonzero(case.acked & (case.version[:size] != NONE))
    marks.opportunity[rows] = True
    marks.violation[shared_versions(case, rows, np.zeros(size, dtype=bool))] = True
    return marks


def shared_versions(case: Case, rows: Array, survivor: Array) -> Array:
    """Of the writes `rows` that share object and version, all but one: the one in the mask
    `survivor` is kept, else the latest.
    """
    obj, version = case.frame.obj[rows], case.version[rows]
    width = int(version.max(initial=0)).bit_length()
    packed = (obj << width) | version
    if bool((packed[1:] > packed[:-1]).all()):
        return rows[:0]  # versions rise from write to write
    order = np.lexsort((rows, survivor[rows], version, obj))
    starts = run_starts(obj[order], version[order])
    shared: Array = rows[order[:-1][~starts[1:]]]
    return shared


def two_versions(case: Case) -> Marks:
    """Writes that answers show with more than one version, though no list holds them twice."""
    size = len(case.frame)
    marks = Marks(case.effective & (case.version[:size] != NONE), np.zeros(size, dtype=bool))
    rows = np.flatnonzero((case.value != NONE) & (case.value < size) & (case.shown != NONE))
    target = case.value[rows]
    marks.violation[target[case.version[target] != case.shown[rows]]] = True
    marks.violation &= ~case.once(held_twice)
    return marks


def _out_of_order(obj: Array, rows: Array, packed: Array) -> tuple[Array, Array]:
    """Only the rows of objects whose versions ever fall in the order of the calls.

    Where ret(a) < call(b), a comes first: an object whose versions never fall breaks nothing.
    """
    falls = np.flatnonzero(packed[1:] < packed[:-1]) + 1
    if len(falls) == 0:
        return rows[:0], packed[:0]
    suspects = np.zeros(int(obj[-1]) + 1, dtype=bool)
    suspects[obj[rows[falls]]] = True
    chosen = suspects[obj[rows]]
    return rows[chosen], packed[chosen]
