"""Registers with unique writes: linearizability by zones, and which values are definitely older.

With F(v) the least moment by which v surely was there and M(v) the greatest call of an operation
that showed it, an object is linearizable iff no two values a, b have F(a) < M(b) and F(b) < M(a)
(proof: verification, section 3). Forward zones (F < M) must not overlap, and no backward zone
[M, F] may lie inside a forward one. Every write makes a new state with an id of its own, so the
same holds for sets, logs and orders by the id of the last write that a read shows.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.index.observations import Case
from statedrill.check.index.operations import NEVER_BEGAN
from statedrill.check.numeric.stable_sort import Array, sorted_with


def conflicts(case: Case) -> tuple[Array, Array]:
    """Pairs of values (a, b) that contradict each other: at least one per object that is not
    linearizable, none for one that is.
    """
    frame = case.frame
    values = np.flatnonzero((case.first < frame.clock.top) | (case.last > NEVER_BEGAN))
    group = value_groups(case)[values]
    first, last = case.first[values], case.last[values]
    forward = first < last
    begins, f_values, f_last = sorted_with(
        frame.key(group[forward], first[forward]),
        values[forward],
        frame.key(group[forward], last[forward]),
    )
    overlap = np.flatnonzero(begins[1:] < f_last[:-1])
    b_last, b_first = (frame.key(group[~forward], t[~forward]) for t in (last, first))
    inside, holder = _inside(begins, f_last, b_last, b_first)
    left = np.concatenate([f_values[overlap], f_values[holder]])
    right = np.concatenate([f_values[overlap + 1], values[~forward][inside]])
    return left, right


def value_groups(case: Case) -> Array:
    """The object of each value."""
    return np.concatenate([case.frame.obj, np.arange(case.frame.objects)])


def newer_done_by(case: Case, values: Array, among: Array) -> Array:
    """For each of `values`, as a key of its object: when one of the writes `among` (a mask) that
    is definitely newer was surely there, at the earliest: min F(u) over S(u) > F(v).
    """
    frame = case.frame
    writes = np.flatnonzero(among & case.effective & (case.first[: len(frame)] < frame.clock.top))
    nothing = np.iinfo("i8").max
    if len(writes) == 0:
        return np.full(len(values), nothing)
    begun = frame.key(frame.obj[writes], frame.call[writes])
    done = frame.key(frame.obj[writes], case.first[writes])
    least = np.append(np.minimum.accumulate(done[::-1])[::-1], nothing)
    group = value_groups(case)[values]
    found = least[np.searchsorted(begun, frame.key(group, case.first[values]), side="right")]
    return np.where(frame.group_of(found) == group, found, nothing)


def _inside(begins: Array, ends: Array, lows: Array, highs: Array) -> tuple[Array, Array]:
    """Which intervals [low, high] lie strictly inside one of the sorted, disjoint (begin, end)."""
    if len(begins) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    holder = np.searchsorted(begins, lows, side="left") - 1
    inside = np.flatnonzero((holder >= 0) & (highs < ends[holder]))
    return inside, holder[inside]
