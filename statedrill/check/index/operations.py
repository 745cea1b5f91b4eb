"""One part of a history, made ready for the checks: rows grouped by object, times as ticks.

An object is what one session knows by one name: its rows are neighbours, in the order of their
call. Times are ticks (1, 2, …) that fit, together with the number of a group, into one int64:
`key(group, tick)` makes comparisons, sorts, running maxima and searches within groups plain
numpy calls. Where nanoseconds do not fit beside the group, ranks are used: all comparisons stay
the same.

The recorded `ret` is always when the client stopped waiting. `effect_end` of a write is the latest
moment at which it may take effect, if it does: `ret` where it is confirmed, FOREVER where its
outcome is UNKNOWN (in the bounded column `ret` plus the lateness) or ACCEPTED, whose durability is
promised at `ret` but not its visibility. An unknown write may also never take effect: a write that
no response showed proves nothing, in either column (`observations`). Knows no definition of any
finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from statedrill.check.index.fields import Columns, GroupOfRow, PerRow, RowOrValue, Whole
from statedrill.check.index.ticks import Clock, make_clock
from statedrill.check.index.write_index import WriteIndex
from statedrill.check.numeric.arrays import NONE, Array, mask_of, run_numbers, run_starts
from statedrill.check.numeric.stable_sort import dense, stable_order
from statedrill.history.columns import Names
from statedrill.history.operation import ALIEN, FOREIGN, FOREVER, INITIAL, LAST_ID
from statedrill.history.store import Part
from statedrill.vocabulary import Kind, Model, Outcome

NEVER_BEGAN = 0  # the tick of what was there before the first operation
NO_MODEL = 255
_COPIED = ("session", "lane", "object", "kind", "wid", "read_wid", "element", "logical", "phase")


@dataclass
class OperationTable:
    """The rows of some sessions, grouped by object; `table["kind"]` is a column of the record.

    `source_row` is the row's number in the part. `object_of` and `session_of` number the groups
    from 0. `model` is NO_MODEL where the name table says none. `reported_write` is the row of the
    write whose id a response shows (NONE: none of its session). `contradictory` are writes whose
    response confirmed neither this attempt nor an earlier one. `outcome` is UNKNOWN also for these,
    and where two attempts share an id (against docs/definitions.md#r3). `call`, `ret` and
    `effect_end` are ticks of `clock`.
    """

    names: Whole[Names]
    clock: Whole[Clock]
    write_index: Whole[WriteIndex]
    source_row: PerRow
    columns: Columns
    outcome: PerRow
    contradictory: PerRow
    reported_write: RowOrValue
    version: PerRow
    server_session: PerRow
    call: PerRow
    ret: PerRow
    effect_end: PerRow
    object_of: GroupOfRow
    session_of: GroupOfRow
    model: PerRow

    def __len__(self) -> int:
        return len(self.call)

    def __getitem__(self, column: str) -> Array:
        return self.columns[column]

    def mask(self, rows: Array) -> Array:
        """A bool per row that is true at `rows`."""
        return mask_of(rows, len(self))

    def objects_with(self, rows: Array) -> Array:
        """A bool per object that is true where it has one of `rows`."""
        return mask_of(self.object_of[rows], self.objects)

    def key(self, group: Array | int, tick: Array | int) -> Any:
        """One int64 for a tick within a group; groups come first, so order is kept."""
        if isinstance(group, np.ndarray):
            return (group.astype(np.int64) << self.clock.bits) | tick
        return (group << self.clock.bits) | tick

    def group_of(self, key: Array) -> Array:
        """The group in a key."""
        return key >> self.clock.bits

    def tick_of(self, key: Array) -> Array:
        """The tick in a key."""
        return key & self.clock.top

    @cached_property
    def object_starts(self) -> Array:
        """The first row of each object."""
        return np.flatnonzero(run_starts(self.object_of))

    @cached_property
    def session_starts(self) -> Array:
        """The first row of each session."""
        return np.flatnonzero(run_starts(self.session_of))

    @property
    def objects(self) -> int:
        """Number of objects."""
        return len(self.object_starts)

    @property
    def sessions(self) -> int:
        """Number of sessions."""
        return len(self.session_starts)


def order_by_object(part: Part) -> Array:
    """The numbers of the rows of `part`, grouped by session and object, in the order of call."""
    call = part["call"]
    by_call = None
    if len(call) > 1 and bool((call[1:] < call[:-1]).any()):
        by_call = np.argsort(call, kind="stable")
    objects = part["object"].astype(np.int64)
    width = int(objects.max()) + 1 if len(objects) else 1
    group = dense(part["session"]) * width + objects
    if by_call is None:
        return stable_order(group)
    in_order: Array = by_call[stable_order(group[by_call])]
    return in_order


def session_slices(part: Part, most_rows: int) -> list[Array]:
    """The rows of `part` as `order_by_object` sorts them, cut between sessions into slices of at
    most `most_rows` (or one session): what fits into a processor's cache is checked faster.
    """
    order = order_by_object(part)
    starts = np.flatnonzero(run_starts(part["session"][order])) if len(order) else order
    cuts = [0]
    while len(order) - cuts[-1] > most_rows:
        place = int(np.searchsorted(starts, cuts[-1] + most_rows, side="right")) - 1
        if starts[place] <= cuts[-1]:  # one session is longer than that
            place += 1
        if place >= len(starts):
            break
        cuts.append(int(starts[place]))
    return np.split(order, cuts[1:])


def tabulate(
    part: Part, names: Names, lateness_ns: int | None = None, order: Array | None = None
) -> OperationTable:
    """The table of the rows `order` of `part` (as `order_by_object` sorts them; None: all).
    Without `lateness_ns` an unknown write may take effect FOREVER.
    """
    order = order_by_object(part) if order is None else order
    columns = {name: part[name][order] for name in _COPIED}
    session_of = dense(columns["session"])
    object_of = run_numbers(session_of, columns["object"])
    session_starts = np.flatnonzero(run_starts(session_of))
    write = columns["kind"] != Kind.READ
    write_index = WriteIndex(session_of, session_starts, columns["wid"], write)
    call_ns, ret_ns = part["call"][order], part["ret"][order]
    ret_ns = np.maximum(call_ns, ret_ns)
    reported_write = _reported_writes(columns["read_wid"], session_of, write_index)
    outcome = part["outcome"][order]
    contradictory = _contradictory(columns, outcome, reported_write, object_of, (call_ns, ret_ns))
    outcome[contradictory] = Outcome.UNKNOWN
    outcome[write_index.shared] = Outcome.UNKNOWN
    end_ns = _effect_ends(ret_ns, outcome, write, lateness_ns)
    clock = make_clock(call_ns, ret_ns, end_ns, _most_groups(object_of, columns["lane"]))
    return OperationTable(
        names=names,
        clock=clock,
        write_index=write_index,
        source_row=order,
        columns=columns,
        outcome=outcome,
        contradictory=contradictory,
        reported_write=reported_write,
        version=part["ver"][order].astype(np.int64),
        server_session=part["server_session"][order],
        call=clock.ticks(call_ns),
        ret=clock.ticks(ret_ns),
        effect_end=clock.ticks(end_ns),
        object_of=object_of,
        session_of=session_of,
        model=_models(columns["object"], names),
    )


def _reported_writes(read_wid: Array, session_of: Array, write_index: WriteIndex) -> Array:
    """The row of the write whose id each response shows; NONE where it shows none of its
    session.
    """
    reported = np.full(len(read_wid), NONE, dtype=np.int64)
    rows = np.flatnonzero((read_wid > INITIAL) & (read_wid <= LAST_ID))
    reported[rows] = write_index.row(session_of[rows], read_wid[rows])
    return reported


def _contradictory(
    columns: dict[str, Array],
    outcome: Array,
    reported_write: Array,
    object_of: Array,
    times_ns: tuple[Array, Array],
) -> Array:
    """Writes whose response confirms neither them nor an earlier attempt on the same object."""
    call_ns, ret_ns = times_ns
    read_wid = columns["read_wid"]
    succeeded = (outcome == Outcome.OK) | (outcome == Outcome.ACCEPTED)
    found: Array = (columns["kind"] != Kind.READ) & succeeded
    found &= (read_wid == FOREIGN) | (read_wid == ALIEN)
    own = (read_wid > INITIAL) & (read_wid <= LAST_ID) & (read_wid != columns["wid"])
    rows = np.flatnonzero((columns["kind"] != Kind.READ) & succeeded & own)
    shown = reported_write[rows]
    wrong = (shown == NONE) | (object_of[shown] != object_of[rows])
    wrong |= call_ns[shown] > ret_ns[rows]
    found[rows[wrong | (outcome[shown] == Outcome.FAILED)]] = True
    return found


def _effect_ends(ret_ns: Array, outcome: Array, write: Array, lateness_ns: int | None) -> Array:
    open_end = np.flatnonzero(write & (outcome != Outcome.OK))
    ends = ret_ns.copy()
    ends[open_end] = FOREVER
    if lateness_ns is not None:
        unknown = open_end[outcome[open_end] == Outcome.UNKNOWN]
        ends[unknown] = ret_ns[unknown] + lateness_ns
    return ends


def _most_groups(object_of: Array, lane: Array) -> int:
    """An upper bound for the number of (object, client) pairs."""
    return (int(object_of[-1]) + 1) * (int(lane.max()) + 1) if len(object_of) else 1


def _models(objects: Array, names: Names) -> Array:
    models = np.full(int(objects.max()) + 1 if len(objects) else 1, NO_MODEL, dtype=np.uint8)
    for code, model in names.models.items():
        if code < len(models):
            models[code] = Model(model)
    per_row: Array = models[objects]
    return per_row
