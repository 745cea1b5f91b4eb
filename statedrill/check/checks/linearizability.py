"""Linearizability of each object, by its ids (`register`) and by its versions (`versions`).

An object that breaks it without any read that is definitely stale has an order conflict: two
concurrent writes seen in both orders, where no single operation can be blamed.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.marks import Marks
from statedrill.check.checks.register_zones import conflicts, value_groups
from statedrill.check.checks.versions import newer_shown_by
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array


def linearizability(case: Case) -> Marks:
    """Objects that are not linearizable; the first row of an object stands for it."""
    frame = case.frame
    broken = np.zeros(frame.objects, dtype=bool)
    left, _ = case.once(conflicts)
    broken[value_groups(case)[left]] = True
    rows, _ = case.once(newer_shown_by)
    broken[frame.obj[rows]] = True
    read = _objects(case, case.valid & ((case.value != NONE) | (case.shown != NONE)))
    size = len(frame)
    marks = Marks(np.zeros(size, dtype=bool), np.zeros(size, dtype=bool))
    marks.opportunity[frame.obj_starts[read & _objects(case, case.effective)]] = True
    marks.violation[frame.obj_starts[broken]] = True
    marks.opportunity |= marks.violation
    return marks


def _objects(case: Case, rows: Array) -> Array:
    found = np.zeros(case.frame.objects, dtype=bool)
    found[case.frame.obj[rows]] = True
    return found
