"""Objects that need no closer look, so that only the others cost time.

An object is quiet when its operations came one after another in one lane, each of its writes was
confirmed by its own answer (or surely not done), versions rose by one with each, every read that
succeeded showed the last write before it and its version, and every list held exactly what the
writes before it leave. Nothing can be broken about such an object: no definition of any finding
is met. The opportunities of quiet objects are counted here; that they are the same as those which
the checks count themselves is kept by a test.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.index.list_reads import Lists
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array
from statedrill.history.operation import NOTHING
from statedrill.vocabulary import Kind, Model, Outcome, Phase

_FITTING = {
    Model.REGISTER: (Kind.PUT,),
    Model.SET: (Kind.ADD, Kind.REMOVE, Kind.CLEAR),
    Model.LOG: (Kind.APPEND,),
    Model.ORDERS: (Kind.APPEND,),
}


def loud_objects(case: Case) -> Array:
    """The objects that need a closer look, as a mask."""
    frame = case.frame
    rows = _overlapping(case) | _odd_rows(case) | _misread(case)
    rows[_odd_lists(case)] = True
    rows &= frame.model <= Model.ORDERS  # no check looks at the others object by object
    loud = np.zeros(frame.objects, dtype=bool)
    loud[frame.obj[rows]] = True
    return loud


def quiet_opportunities(case: Case, loud: Array) -> dict[str, Array]:
    """Per check the rows of quiet objects at which a violation could have been seen, and the
    evidence "unaudited" of lost writes under its own name.
    """
    frame = case.frame
    quiet = ~loud[frame.obj]
    writes, reads = case.effective & quiet, case.valid & quiet
    listed = np.zeros(len(frame), dtype=bool)
    listed[case.lists.rows] = True
    written, read = _after_first(case, writes), _after_first(case, reads)
    audit = _last(case, reads & listed & (frame["phase"] >= Phase.AUDIT))
    plain = _last(case, reads & (frame["phase"] >= Phase.AUDIT))
    audit = np.where(audit == NONE, plain, audit)[frame.obj]
    both = np.zeros(frame.objects, dtype=bool)
    both[frame.obj[writes & read]] = both[frame.obj[reads & written]] = True
    objects = np.zeros(len(frame), dtype=bool)
    objects[frame.obj_starts[both]] = True
    return {
        "lost-writes": writes & (np.arange(len(frame)) < audit),
        "unaudited": writes & (audit == NONE),
        "duplicates": writes,
        "orders-once": writes & (frame.model == Model.ORDERS),
        "resurrected": quiet & (gone_rows(case) < len(frame)),
        "read-your-writes": reads & written,
        "monotonic-reads": reads & read,
        "writes-follow-reads": writes & read,
        "monotonic-writes": writes & written,
        "stale-reads": reads,
        "log-order": reads & listed & (frame.model >= Model.LOG),
        "versions": writes,
        "two-versions": writes,
        "linearizability": objects,
    }


def gone_rows(case: Case) -> Array:
    """Per row of an add: the row of the first clear or remove after it (none: one past the end)."""
    return case.once(_gone_rows)


def _gone_rows(case: Case) -> Array:
    frame = case.frame
    size = len(frame)
    kind = frame["kind"]
    gone = np.full(size, size, dtype=np.int64)
    clears = np.flatnonzero(case.effective & (kind == Kind.CLEAR))
    adds = np.flatnonzero(case.effective & (kind == Kind.ADD))
    following = np.append(clears, size)[np.searchsorted(clears, adds)]
    inside = frame.obj[np.minimum(following, size - 1)] == frame.obj[adds]
    gone[adds[inside]] = following[inside]
    removes = np.flatnonzero(case.effective & (kind == Kind.REMOVE) & (case.element != NONE))
    later = removes > case.element[removes]
    np.minimum.at(gone, case.element[removes[later]], removes[later])
    return gone


def _overlapping(case: Case) -> Array:
    """Rows that began before the row above them had returned, or in another lane."""
    frame = case.frame
    found = np.zeros(len(frame), dtype=bool)
    if len(frame) == 0:
        return found
    same = frame.obj[1:] == frame.obj[:-1]
    lane = frame["lane"]
    found[1:] = same & ((frame.call[1:] <= frame.ret[:-1]) | (lane[1:] != lane[:-1]))
    return found


def _odd_rows(case: Case) -> Array:
    frame = case.frame
    kind = frame["kind"]
    told = frame.outcome == Outcome.OK
    odd = case.leak | case.phantom | case.unrecorded | case.rejected | case.replay
    odd |= case.effective & (~told | frame.odd | (case.shown == NONE))
    odd |= case.read & ((case.value == NONE) | (case.shown == NONE))
    odd |= case.effective & (kind == Kind.REMOVE) & (case.element >= np.arange(len(frame)))
    odd |= case.effective & (kind == Kind.REMOVE) & (case.element == NONE)
    for model, kinds in _FITTING.items():
        odd |= case.effective & (frame.model == model) & ~_among(kind, kinds)
    return odd


def _among(kind: Array, kinds: tuple[Kind, ...]) -> Array:
    found: Array = kind == kinds[0]
    for other in kinds[1:]:
        found |= kind == other
    return found


def _misread(case: Case) -> Array:
    """Reads that show another write or version than the last one before them, and writes whose
    version is not the next one.
    """
    frame = case.frame
    size = len(frame)
    writes = np.flatnonzero(case.effective)
    last = np.full(size, NONE, dtype=np.int64)
    last[writes] = writes
    last = np.maximum.accumulate(last)
    start = frame.obj_starts[frame.obj]
    before = np.append(NONE, last[:-1]) if size else last
    before = np.where(before >= start, before, NONE)
    version = np.where(before == NONE, 0, case.shown[before])
    expected = np.where(before == NONE, size + frame.obj, before)
    wrong = case.valid & ((case.value != expected) | (case.shown != version))
    misread: Array = wrong | (case.effective & (case.shown != version + 1))
    return misread


def _odd_lists(case: Case) -> Array:
    """Rows of list reads that do not hold exactly what the writes before them leave."""
    frame, lists = case.frame, case.lists
    kind = frame["kind"]
    entries = case.effective & ((kind == Kind.ADD) | (kind == Kind.APPEND))
    gone = gone_rows(case)
    change = entries.astype(np.int64)
    removed = gone[entries & (gone < len(frame))]
    change -= np.bincount(removed, minlength=len(frame))
    alive = np.cumsum(change)
    base = alive[frame.obj_starts] - change[frame.obj_starts]
    rows = lists.rows
    wrong = lists.lengths != alive[rows] - base[frame.obj[rows]]
    item, row = lists.item, lists.row_of
    bad = (item == NONE) | (item > row) | (gone[item] < row) | ~_rising(lists, item)
    bad |= ~entries[item]
    if len(lists.logical):
        orders = frame.model[row] == Model.ORDERS
        rises = _rising(lists, lists.logical) & (lists.logical != 0) & (lists.logical != NOTHING)
        bad |= orders & ~rises
    return np.concatenate([rows[wrong], row[bad]])


def _rising(lists: Lists, values: Array) -> Array:
    """Whether each item's value is greater than that of the item before it in its list."""
    rising = np.ones(len(values), dtype=bool)
    rising[1:] = values[1:] > values[:-1]
    rising[lists.starts[lists.lengths > 0]] = True
    return rising


def _after_first(case: Case, chosen: Array) -> Array:
    """Rows after the first of the `chosen` of their object."""
    frame = case.frame
    rows = np.flatnonzero(chosen)[::-1]
    first = np.full(frame.objects, len(frame), dtype=np.int64)
    first[frame.obj[rows]] = rows
    after: Array = np.arange(len(frame)) > first[frame.obj]
    return after


def _last(case: Case, chosen: Array) -> Array:
    """Per object the last of the `chosen` rows; NONE where there is none."""
    rows = np.flatnonzero(chosen)
    last = np.full(case.frame.objects, NONE, dtype=np.int64)
    last[case.frame.obj[rows]] = rows
    return last
