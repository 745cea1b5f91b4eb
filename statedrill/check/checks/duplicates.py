"""Effects that happened twice: one attempt twice in state, or one order under two attempts.

The same attempt twice is always the system's fault: its id stands twice in one list. (One id that
answers show with two versions proves no such thing, see `versions`.) The same logical action under
two attempts is a violation only where idempotency is promised; orders are the one kind of state
that carries logical ids.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.marks import Marks
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array
from statedrill.history.operation import NOTHING
from statedrill.vocabulary import Model


def duplicates(case: Case) -> Marks:
    """Writes that one list holds twice."""
    size = len(case.frame)
    opportunity = case.effective & (case.first[:size] < case.frame.clock.top)
    return Marks(opportunity, case.once(held_twice).copy())


def held_twice(case: Case) -> Array:
    """Mask of the writes that a list in a valid read holds more than once."""
    twice = np.zeros(len(case.frame), dtype=bool)
    items = _believed(case, case.lists.repeated(case.lists.ids))
    twice[case.lists.item[items]] = True
    return twice


def orders_once(case: Case) -> Marks:
    """Orders that a list shows under more than one attempt; the later attempt stands for it."""
    frame, lists = case.frame, case.lists
    size = len(frame)
    orders = case.effective & (frame.model == Model.ORDERS)
    marks = Marks(orders & (case.first[:size] < frame.clock.top), np.zeros(size, dtype=bool))
    if not len(lists.logical):
        return marks
    later = _believed(case, lists.repeated(lists.logical))
    later = later[(lists.logical[later] != 0) & (lists.logical[later] != NOTHING)]
    later = later[frame.model[lists.row_of[later]] == Model.ORDERS]
    marks.violation[lists.item[later]] = True
    return marks


def _believed(case: Case, items: Array) -> Array:
    """Of these places in lists, those in valid reads."""
    known = case.lists.item[items] != NONE
    believed: Array = items[known & case.valid[case.lists.row_of[items]]]
    return believed
