"""Sets with unique element ids: what must be there, and what must not come back.

An element e must be in a list read r iff it surely was there before (F(e) < call(r)) and nothing
that may have removed it was sent before r returned. e must not be in r iff its removal, or a
clear sent after e surely was there, was surely done before r's call. A removal counts only where
e surely was there before it was sent: an add that timed out may land after its removal. Logs and
orders are sets from which nothing is ever removed.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.marks import Marks
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array
from statedrill.vocabulary import Kind

_NEVER = np.iinfo("i8").max


def may_be_gone(case: Case) -> Array:
    """Per row of an add: the earliest call of anything that may remove it (the top tick: none)."""
    frame = case.frame
    gone = np.full(len(frame), frame.clock.top, dtype=np.int64)
    removes, element = _removals(case)
    np.minimum.at(gone, element, frame.call[removes])
    clears = np.flatnonzero(case.effective & (frame["kind"] == Kind.CLEAR))
    if len(clears) == 0:
        return gone
    adds = _adds(case)
    # clears that may take effect after the add was sent: at the latest by F(c), or by their end
    latest = np.minimum(case.first[clears], frame.end[clears])
    order = np.argsort(frame.key(frame.obj[clears], latest), kind="stable")
    clears = clears[order]
    done = frame.key(frame.obj[clears], latest[order])
    begun = frame.key(frame.obj[clears], frame.call[clears])
    least = np.append(np.minimum.accumulate(begun[::-1])[::-1], _NEVER)
    found = least[np.searchsorted(done, frame.key(frame.obj[adds], frame.call[adds]), "left")]
    same = frame.group_of(found) == frame.obj[adds]
    gone[adds[same]] = np.minimum(gone[adds[same]], frame.tick_of(found[same]))
    return gone


def surely_gone(case: Case) -> Array:
    """Per row of an add: when it surely had been removed, at the earliest (the top tick: never)."""
    frame = case.frame
    gone = np.full(len(frame), frame.clock.top, dtype=np.int64)
    removes, element = _removals(case)
    after = case.first[element] < frame.call[removes]
    np.minimum.at(gone, element[after], case.first[removes[after]])
    clears = np.flatnonzero(case.effective & (frame["kind"] == Kind.CLEAR))
    if len(clears) == 0:
        return gone
    adds = _adds(case)
    begun = frame.key(frame.obj[clears], frame.call[clears])
    done = frame.key(frame.obj[clears], case.first[clears])
    least = np.append(np.minimum.accumulate(done[::-1])[::-1], _NEVER)
    there = frame.key(frame.obj[adds], case.first[adds])
    found = least[np.searchsorted(begun, there, side="right")]
    same = frame.group_of(found) == frame.obj[adds]
    gone[adds[same]] = np.minimum(gone[adds[same]], frame.tick_of(found[same]))
    return gone


def resurrected(case: Case) -> Marks:
    """Elements that a read shows although their removal was done before it was sent."""
    frame, lists = case.frame, case.lists
    size = len(frame)
    gone = case.once(surely_gone)
    marks = Marks(gone < frame.clock.top, np.zeros(size, dtype=bool))
    if not marks.opportunity.any():
        return marks
    seen = np.flatnonzero(lists.item != NONE)
    item, row = lists.item[seen], lists.row_of[seen]
    back = case.valid[row] & (gone[item] < frame.call[row])
    marks.violation[item[back]] = True
    return marks


def _adds(case: Case) -> Array:
    return np.flatnonzero(case.effective & (case.frame["kind"] == Kind.ADD))


def _removals(case: Case) -> tuple[Array, Array]:
    """The removes that may have been applied, and the row of the add of their element."""
    rows = np.flatnonzero(case.effective & (case.element != NONE))
    return rows, case.element[rows]
