"""Registers with unique writes: linearizability by zones, and which values are definitely older.

With F(v) the least moment by which v surely was there and M(v) the greatest call of an operation
that showed it, an object is linearizable iff no two values a, b have F(a) < M(b) and F(b) < M(a)
(docs/definitions.md#theorem). Forward zones (F < M) must not overlap, and no backward zone [M, F]
may lie inside a forward one. Every write makes a new state with an id of its own, so the same
holds for sets, logs and orders by the id of the last write that a read shows.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.index.observations import Observations
from statedrill.check.index.operations import NEVER_BEGAN
from statedrill.check.numeric.arrays import NEVER, Array, suffix_min
from statedrill.check.numeric.stable_sort import sorted_with


def conflicting_values(obs: Observations) -> tuple[Array, Array]:
    """Pairs of values (a, b) that contradict each other: at least one per object that is not
    linearizable, none for one that is.
    """
    table = obs.table
    values = np.flatnonzero((obs.visible_by < table.clock.top) | (obs.last_observed > NEVER_BEGAN))
    group = obs.value_object[values]
    first = table.key(group, obs.visible_by[values])
    last = table.key(group, obs.last_observed[values])
    forward = first < last
    begins, ends, forward_values = sorted_with(first[forward], last[forward], values[forward])
    overlap = np.flatnonzero(begins[1:] < ends[:-1])
    inside, holder = _inside(begins, ends, last[~forward], first[~forward])
    left = np.concatenate([forward_values[overlap], forward_values[holder]])
    right = np.concatenate([forward_values[overlap + 1], values[~forward][inside]])
    return left, right


def newer_visible_by(obs: Observations, values: Array, among: Array) -> Array:
    """For each of `values`, as a key of its object: when one of the writes `among` (a mask) that
    is definitely newer was surely there, at the earliest: min F(u) over S(u) > F(v); NEVER where
    there is none.
    """
    table = obs.table
    visible_by = obs.visible_by[: len(table)]
    writes = np.flatnonzero(among & obs.may_apply & (visible_by < table.clock.top))
    if len(writes) == 0:
        return np.full(len(values), NEVER)
    sent = table.key(table.object_of[writes], table.call[writes])
    earliest = suffix_min(table.key(table.object_of[writes], visible_by[writes]))
    group = obs.value_object[values]
    known_by = table.key(group, obs.visible_by[values])
    found = earliest[np.searchsorted(sent, known_by, side="right")]
    return np.where(table.group_of(found) == group, found, NEVER)


def _inside(begins: Array, ends: Array, lows: Array, highs: Array) -> tuple[Array, Array]:
    """Which intervals [low, high] lie strictly inside one of the sorted, disjoint (begin, end),
    and in which one.
    """
    if len(begins) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    holder = np.searchsorted(begins, lows, side="left") - 1
    inside = np.flatnonzero((holder >= 0) & (highs < ends[holder]))
    return inside, holder[inside]
