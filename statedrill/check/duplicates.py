"""Effects that happened twice: one attempt twice in state, or one order under two attempts.

The same attempt twice is always the system's fault: its id stands twice in one list, or answers
show it with two versions. The same logical action under two attempts is a violation only where
idempotency is promised; orders are the one kind of state that carries logical ids.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.case import NONE, Case
from statedrill.check.marks import Marks
from statedrill.check.sorting import Array
from statedrill.check.versions import two_versions
from statedrill.history import NOTHING, Model


def duplicates(case: Case) -> Marks:
    """Writes whose effect was seen twice. Evidence "follows": those told by two
    versions only, which a lost state explains too.
    """
    size = len(case.frame)
    opportunity = case.effective & (case.first[:size] < case.frame.clock.top)
    twice = np.zeros(size, dtype=bool)
    items = _believed(case, case.lists.repeated(case.lists.ids))
    twice[case.lists.item[items]] = True
    versions = np.zeros(size, dtype=bool)
    versions[two_versions(case)] = True
    return Marks(opportunity, twice | versions, {"follows": versions & ~twice})


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
