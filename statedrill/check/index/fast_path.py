"""Clean objects: those that need no closer look, so that only the others cost time.

An object is clean when its operations came one after another from one client, each of its writes
was confirmed by its own response (or surely not done), versions rose by one with each, every read
that succeeded showed the last write before it and its version, and every list held exactly what
the writes before it leave. Nothing can be broken about such an object: no definition of any finding
is met. What a check could have seen there, it works out from `CleanObjects`; that this is the same
as what it finds when it looks at these objects is kept by a test.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from statedrill.check.index.list_reads import ListReads
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NONE, Array
from statedrill.history.operation import NOTHING
from statedrill.vocabulary import Kind, Model, Outcome, Phase

_KINDS_OF = {
    Model.REGISTER: (Kind.PUT,),
    Model.SET: (Kind.ADD, Kind.REMOVE, Kind.CLEAR),
    Model.LOG: (Kind.APPEND,),
    Model.ORDERS: (Kind.APPEND,),
}


def suspect_objects(obs: Observations) -> Array:
    """The objects that need a closer look, as a mask."""
    table = obs.table
    rows = _overlapping(obs) | _unusual_rows(obs) | _misread(obs)
    rows[_unusual_lists(obs)] = True
    rows &= table.model <= Model.ORDERS  # no check looks at the others object by object
    suspects = np.zeros(table.objects, dtype=bool)
    suspects[table.object_of[rows]] = True
    return suspects


class CleanObjects:
    """Masks over the rows of the observations that are true on clean objects only."""

    def __init__(self, obs: Observations, suspects: Array) -> None:
        self.obs = obs
        self.table = obs.table
        self.clean: Array = ~suspects[obs.table.object_of]

    @cached_property
    def writes(self) -> Array:
        """Writes that were applied."""
        writes: Array = self.obs.may_apply & self.clean
        return writes

    @cached_property
    def reads(self) -> Array:
        """Reads that succeeded."""
        reads: Array = self.obs.valid & self.clean
        return reads

    @cached_property
    def list_reads(self) -> Array:
        """Reads that showed a list."""
        lists: Array = self.reads & self.table.mask(self.obs.lists.rows)
        return lists

    @cached_property
    def after_write(self) -> Array:
        """Rows after the first write of their object."""
        return self._after_first(self.writes)

    @cached_property
    def after_read(self) -> Array:
        """Rows after the first read of their object."""
        return self._after_first(self.reads)

    @cached_property
    def audit_read(self) -> Array:
        """Per row the row of its object's last audit read, one with a list where there is one."""
        audit = self.table["phase"] >= Phase.AUDIT
        with_list, any_read = self._last(self.list_reads & audit), self._last(self.reads & audit)
        return np.where(with_list == NONE, any_read, with_list)[self.table.object_of]

    @cached_property
    def removed(self) -> Array:
        """Adds whose element was removed later."""
        removed: Array = self.clean & (_removal_rows(self.obs) < len(self.table))
        return removed

    def _after_first(self, chosen: Array) -> Array:
        rows = np.flatnonzero(chosen)[::-1]
        first = np.full(self.table.objects, len(self.table), dtype=np.int64)
        first[self.table.object_of[rows]] = rows
        after: Array = np.arange(len(self.table)) > first[self.table.object_of]
        return after

    def _last(self, chosen: Array) -> Array:
        rows = np.flatnonzero(chosen)
        last = np.full(self.table.objects, NONE, dtype=np.int64)
        last[self.table.object_of[rows]] = rows
        return last


def _removal_rows(obs: Observations) -> Array:
    """Per row of an add: the row of the first clear or remove after it (none: one past the end)."""
    return obs.cached(_find_removal_rows)


def _find_removal_rows(obs: Observations) -> Array:
    table = obs.table
    size = len(table)
    kind = table["kind"]
    removal = np.full(size, size, dtype=np.int64)
    clears = np.flatnonzero(obs.may_apply & (kind == Kind.CLEAR))
    adds = np.flatnonzero(obs.may_apply & (kind == Kind.ADD))
    following = np.append(clears, size)[np.searchsorted(clears, adds)]
    inside = table.object_of[np.minimum(following, size - 1)] == table.object_of[adds]
    removal[adds[inside]] = following[inside]
    removes = np.flatnonzero(obs.may_apply & (kind == Kind.REMOVE) & (obs.removed_add != NONE))
    later = removes > obs.removed_add[removes]
    np.minimum.at(removal, obs.removed_add[removes[later]], removes[later])
    return removal


def _overlapping(obs: Observations) -> Array:
    """Rows that began before the row above them had returned, or came from another client."""
    table = obs.table
    found = np.zeros(len(table), dtype=bool)
    if len(table) == 0:
        return found
    same = table.object_of[1:] == table.object_of[:-1]
    lane = table["lane"]
    found[1:] = same & ((table.call[1:] <= table.ret[:-1]) | (lane[1:] != lane[:-1]))
    return found


def _unusual_rows(obs: Observations) -> Array:
    table = obs.table
    kind = table["kind"]
    confirmed = table.outcome == Outcome.OK
    unknown_version = obs.observed_version == NONE
    unusual = obs.leak | obs.phantom | obs.unrecorded | obs.rejected | obs.replay
    unusual |= obs.may_apply & (~confirmed | table.contradictory | unknown_version)
    unusual |= obs.read & ((obs.observed_write == NONE) | unknown_version)
    removes = obs.may_apply & (kind == Kind.REMOVE)
    unusual |= removes & (obs.removed_add >= np.arange(len(table)))
    unusual |= removes & (obs.removed_add == NONE)
    for model, kinds in _KINDS_OF.items():
        unusual |= obs.may_apply & (table.model == model) & ~_any_of(kind, kinds)
    return unusual


def _any_of(kind: Array, kinds: tuple[Kind, ...]) -> Array:
    found: Array = kind == kinds[0]
    for other in kinds[1:]:
        found |= kind == other
    return found


def _misread(obs: Observations) -> Array:
    """Reads that show another write or version than the last one before them, and writes whose
    version is not the next one.
    """
    table = obs.table
    size = len(table)
    writes = np.flatnonzero(obs.may_apply)
    last = np.full(size, NONE, dtype=np.int64)
    last[writes] = writes
    last = np.maximum.accumulate(last)
    start = table.object_starts[table.object_of]
    before = np.append(NONE, last[:-1]) if size else last
    before = np.where(before >= start, before, NONE)
    version = np.where(before == NONE, 0, obs.observed_version[before])
    expected = np.where(before == NONE, size + table.object_of, before)
    wrong = (obs.observed_write != expected) | (obs.observed_version != version)
    skipped = obs.observed_version != version + 1
    misread: Array = (obs.valid & wrong) | (obs.may_apply & skipped)
    return misread


def _unusual_lists(obs: Observations) -> Array:
    """Rows of list reads that do not hold exactly what the writes before them leave."""
    table, lists = obs.table, obs.lists
    kind = table["kind"]
    entries = obs.may_apply & ((kind == Kind.ADD) | (kind == Kind.APPEND))
    removal = _removal_rows(obs)
    change = entries.astype(np.int64)
    removed = removal[entries & (removal < len(table))]
    change -= np.bincount(removed, minlength=len(table))
    alive = np.cumsum(change)
    base = alive[table.object_starts] - change[table.object_starts]
    rows = lists.rows
    wrong = lists.lengths != alive[rows] - base[table.object_of[rows]]
    write, read = lists.write_row, lists.read_row
    bad = (write == NONE) | (write > read) | (removal[write] < read) | ~_rising(lists, write)
    bad |= ~entries[write]
    if len(lists.logical):
        orders = table.model[read] == Model.ORDERS
        rises = _rising(lists, lists.logical) & (lists.logical != 0) & (lists.logical != NOTHING)
        bad |= orders & ~rises
    return np.concatenate([rows[wrong], read[bad]])


def _rising(lists: ListReads, values: Array) -> Array:
    """Whether each item's value is greater than that of the item before it in its list."""
    rising = np.ones(len(values), dtype=bool)
    rising[1:] = values[1:] > values[:-1]
    rising[lists.starts[lists.lengths > 0]] = True
    return rising
