"""What the rows of a table say: which responses show what, and when each write was surely there.

A value is the write that made it; the value of a write is its row, the initial value of object x
is number `len(table) + x`. For each value v: S(v), `sent_at`, is the call of its write; F(v),
`visible_by`, the least moment by which it surely was there (the write's effective end, or the
return of a response that showed it); M(v), `last_observed`, the greatest call of a response that
showed it as the object's state.

Rules kept here, and nowhere else:
- Only responses that may be believed (`responses`) enter any aggregate.
- A replay confirms the earlier attempt that it shows, durable and observed, at this return.
- Attempts of one logical action (the same idempotency key) are one promise: one that was accepted
  may never appear because another one took effect; `must_appear` leaves such attempts out.
- ABSENT (the record is there, its content gone) counts as the version before the record's.
- Absence is no value (docs/definitions.md#r10): without a version it is the initial value only
  where nothing that removes was ever sent to the object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np

from statedrill.check.index.fields import PerRow, PerValue, RowOrValue, Whole
from statedrill.check.index.list_reads import ListReads
from statedrill.check.index.operations import NEVER_BEGAN, OperationTable
from statedrill.check.index.responses import ResponseClasses, classify_responses
from statedrill.check.numeric.arrays import NONE, Array
from statedrill.history.operation import ABSENT, INITIAL, LAST_ID, NO_VERSION
from statedrill.vocabulary import Kind, Outcome

T = TypeVar("T")


@dataclass
class Observations:
    """An operation table with what its responses show.

    Masks from `responses`: `read`, `valid`, `replay`, `may_apply`, `leak`, `phantom`, `unrecorded`,
    `rejected`. `confirmed` writes were confirmed by some response, `accepted` ones only queued;
    `acknowledged_at` is the tick of that response (the top tick: none). `acknowledged_directly`:
    confirmed or accepted by the response to this very attempt. `must_appear`: accepted writes that
    must appear under their own id. `removed_add` is the row of the add whose element a remove
    names. `observed_write` and `observed_version` are the value and the version that a row shows
    (NONE: none). `visible_by`, `last_observed` (F, M; ticks) and `write_version` (NONE: not known)
    are per value.
    """

    table: Whole[OperationTable]
    lists: Whole[ListReads]
    read: PerRow
    valid: PerRow
    replay: PerRow
    may_apply: PerRow
    leak: PerRow
    phantom: PerRow
    unrecorded: PerRow
    rejected: PerRow
    confirmed: PerRow
    accepted: PerRow
    acknowledged_at: PerRow
    acknowledged_directly: PerRow
    must_appear: PerRow
    removed_add: RowOrValue
    observed_write: RowOrValue
    observed_version: PerRow
    visible_by: PerValue
    last_observed: PerValue
    write_version: PerValue

    _cache: dict[Callable[[Observations], Any], Any] = field(default_factory=dict, init=False)

    @property
    def reported_write(self) -> Array:
        """The row of the write whose id a response shows, believed or not (NONE: none)."""
        return self.table.reported_write

    @cached_property
    def acknowledged(self) -> Array:
        """Writes that were confirmed or accepted, by any response."""
        acknowledged: Array = self.confirmed | self.accepted
        return acknowledged

    @cached_property
    def sent_at(self) -> Array:
        """S of each value."""
        return np.concatenate([self.table.call, np.zeros(self.table.objects, dtype=np.int64)])

    @cached_property
    def value_object(self) -> Array:
        """The object of each value."""
        return np.concatenate([self.table.object_of, np.arange(self.table.objects)])

    def cached(self, make: Callable[[Observations], T]) -> T:
        """`make(self)`, made once and kept."""
        if make not in self._cache:
            self._cache[make] = make(self)
        return cast(T, self._cache[make])


def observe(table: OperationTable, lists: ListReads, complete: bool) -> Observations:
    """What the rows show. `complete`: no row of these sessions is known to be missing."""
    responses = classify_responses(table, lists, complete)
    may_apply = responses.may_apply
    confirmed_directly = may_apply & (table.outcome == Outcome.OK)
    accepted_directly = may_apply & (table.outcome == Outcome.ACCEPTED)
    confirmed, accepted, acknowledged_at = _acknowledgements(
        table, responses, confirmed_directly, accepted_directly
    )
    observed_write = _observed_writes(table, responses.valid)
    visible_by, last_observed = _times(table, lists, responses, observed_write)
    stated = np.where((table.version == NO_VERSION) | table.contradictory, NONE, table.version)
    write_version = _write_versions(table, responses, observed_write, stated)
    return Observations(
        table=table,
        lists=lists,
        read=responses.read,
        valid=responses.valid,
        replay=responses.replay,
        may_apply=may_apply,
        leak=responses.leak,
        phantom=responses.phantom,
        unrecorded=responses.unrecorded,
        rejected=responses.rejected,
        confirmed=confirmed,
        accepted=accepted,
        acknowledged_at=acknowledged_at,
        acknowledged_directly=confirmed_directly | accepted_directly,
        must_appear=accepted & ~_with_other_attempt(table),
        removed_add=_removed_adds(table),
        observed_write=observed_write,
        observed_version=_observed_versions(
            table, responses, observed_write, stated, write_version
        ),
        visible_by=visible_by,
        last_observed=last_observed,
        write_version=write_version,
    )


def _acknowledgements(
    table: OperationTable, responses: ResponseClasses, confirmed: Array, accepted: Array
) -> tuple[Array, Array, Array]:
    """(confirmed, accepted, acknowledged at): a replay confirms the write that it shows."""
    at = np.full(len(table), table.clock.top, dtype=np.int64)
    rows = np.flatnonzero(confirmed | accepted)
    at[rows] = table.ret[rows]
    replays = np.flatnonzero(responses.replay)
    replays = replays[responses.may_apply[table.reported_write[replays]]]
    if len(replays) == 0:
        return confirmed, accepted, at
    shown = table.reported_write[replays]
    np.minimum.at(at, shown, table.ret[replays])
    by_replay = table.mask(shown)
    return confirmed | by_replay, accepted & ~by_replay, at


def _removed_adds(table: OperationTable) -> Array:
    removed = np.full(len(table), NONE, dtype=np.int64)
    named = table["element"]
    rows = np.flatnonzero((table["kind"] == Kind.REMOVE) & (named > INITIAL) & (named <= LAST_ID))
    adds = table.write_index.row(table.session_of[rows], named[rows])
    same = (adds != NONE) & (table.object_of[adds] == table.object_of[rows])
    removed[rows[same]] = adds[same]
    return removed


def _observed_writes(table: OperationTable, valid: Array) -> Array:
    read_wid = table["read_wid"]
    observed = np.full(len(table), NONE, dtype=np.int64)
    reads = np.flatnonzero(valid)
    observed[reads] = table.reported_write[reads]
    removing = (table["kind"] == Kind.REMOVE) | (table["kind"] == Kind.CLEAR)
    removed = np.zeros(table.objects, dtype=bool)
    removed[table.object_of[removing]] = True
    blank = np.flatnonzero(valid & (read_wid == INITIAL))
    version = table.version[blank]
    initial = np.where(version == NO_VERSION, ~removed[table.object_of[blank]], version == 0)
    observed[blank] = np.where(initial, len(table) + table.object_of[blank], NONE)
    return observed


def _with_other_attempt(table: OperationTable) -> Array:
    """Writes with another attempt of the same logical action that may have been applied."""
    write = (table["kind"] != Kind.READ) & (table["logical"] != 0)
    rows = np.flatnonzero(write & (table.outcome != Outcome.FAILED))
    key = (table.object_of[rows] << 32) | table["logical"][rows]
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    return table.mask(np.concatenate([rows[order[1:][same]], rows[order[:-1][same]]]))


def _times(
    table: OperationTable, lists: ListReads, responses: ResponseClasses, observed_write: Array
) -> tuple[Array, Array]:
    """(F, M) of each value."""
    size, top = len(table), table.clock.top
    visible_by = np.full(size + table.objects, top, dtype=np.int64)
    may_apply = responses.may_apply
    sure = may_apply & (table.outcome == Outcome.OK)
    confirmed, writes = np.flatnonzero(sure), np.flatnonzero(may_apply)
    visible_by[confirmed] = table.ret[confirmed]
    visible_by[size:] = NEVER_BEGAN
    last_observed = np.full(size + table.objects, NEVER_BEGAN, dtype=np.int64)
    last_observed[writes] = table.call[writes]
    reads = np.flatnonzero(observed_write != NONE)
    np.minimum.at(visible_by, observed_write[reads], table.ret[reads])
    np.maximum.at(last_observed, observed_write[reads], table.call[reads])
    replays = np.flatnonzero(responses.replay)
    np.minimum.at(visible_by, table.reported_write[replays], table.ret[replays])
    believed = np.flatnonzero(responses.valid[lists.read_row] & (lists.write_row != NONE))
    np.minimum.at(visible_by, lists.write_row[believed], table.ret[lists.read_row[believed]])
    # an unknown write that was seen took effect no later than its end; unseen, perhaps never
    seen = np.flatnonzero(may_apply & ~sure & (visible_by[:size] < top))
    visible_by[seen] = np.minimum(visible_by[seen], table.effect_end[seen])
    return visible_by, last_observed


def _write_versions(
    table: OperationTable, responses: ResponseClasses, observed_write: Array, stated: Array
) -> Array:
    """The version of each value, from its confirmation or else from a read that shows it.
    `stated` is the version that a response names, per row.
    """
    reads = np.flatnonzero((observed_write != NONE) & (stated != NONE))
    version = np.full(len(table) + table.objects, NONE, dtype=np.int64)
    version[observed_write[reads[::-1]]] = stated[reads[::-1]]
    replays = np.flatnonzero(responses.replay & (stated != NONE))
    version[table.reported_write[replays]] = stated[replays]
    confirmed = responses.may_apply & (table.outcome == Outcome.OK)
    rows = np.flatnonzero(confirmed & (stated != NONE))
    version[rows] = stated[rows]
    version[len(table) :] = 0
    return version


def _observed_versions(
    table: OperationTable,
    responses: ResponseClasses,
    observed_write: Array,
    stated: Array,
    write_version: Array,
) -> Array:
    # a replay states the version of an earlier write, not of the object's state now
    valid, may_apply = responses.valid, responses.may_apply
    observed = np.full(len(table), NONE, dtype=np.int64)
    rows = np.flatnonzero(valid | may_apply)
    observed[rows] = stated[rows]
    silent = np.flatnonzero(valid & (stated == NONE) & (observed_write != NONE))
    observed[silent] = write_version[observed_write[silent]]
    writes = np.flatnonzero(may_apply & (stated == NONE))
    observed[writes] = write_version[writes]
    gone = valid & (table["read_wid"] == ABSENT) & (stated != NONE)
    observed[gone] = np.maximum(stated[gone] - 1, 0)
    return observed
