"""One part of a history, made ready for the checks: rows grouped by object, times as ticks.

An object is what one session knows by one name: its rows are neighbours, in the order of their
call. Times are ticks (1, 2, …) that fit, together with the number of a group, into one int64:
`key(group, tick)` makes comparisons, sorts, running maxima and searches within groups plain
numpy calls. Where nanoseconds do not fit beside the group, ranks are used: all comparisons stay
the same.

The recorded `ret` is always when the client stopped waiting. The effective end of a write, `end`,
is the latest moment at which it may take effect, if it does: `ret` where it is confirmed, FOREVER
where its outcome is UNKNOWN (in the bounded column `ret` plus the lateness) or ACCEPTED, whose
durability is promised at `ret` but not its visibility. An unknown write may also never take
effect: what nobody saw proves nothing, in either column (`case`). Knows no definition of any
finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from statedrill.check.index.ticks import Clock, make_clock
from statedrill.check.index.write_index import Writers
from statedrill.check.numeric.stable_sort import Array, dense, run_starts, stable_order
from statedrill.history.columns import Names
from statedrill.history.operation import ALIEN, FOREIGN, FOREVER, INITIAL, LAST_ID
from statedrill.history.store import Part
from statedrill.vocabulary import Kind, Model, Outcome

NEVER_BEGAN = 0  # the tick of what was there before the first operation
NO_MODEL = 255
_COPIED = ("session", "lane", "object", "kind", "wid", "read_wid", "element", "logical", "phase")


@dataclass
class Frame:
    """The rows of some sessions, grouped by object. `order[i]` is the row's number in the part.

    `obj` and `sess` number the groups from 0; `*_starts` are their first rows. `model` is NO_MODEL
    where the name table says none. `target` is the row of the write whose id an answer shows (-1:
    none of its session). `outcome` is UNKNOWN also where an answer confirmed neither its attempt
    nor an earlier one (`odd`), and where two attempts share an id (rule R3 was broken).
    """

    names: Names
    order: Array
    columns: dict[str, Array]
    outcome: Array
    odd: Array
    target: Array
    ver: Array
    server_session: Array
    clock: Clock
    call: Array
    ret: Array
    end: Array
    obj: Array
    obj_starts: Array
    sess: Array
    sess_starts: Array
    model: Array
    writer: Writers

    def __len__(self) -> int:
        return len(self.call)

    def __getitem__(self, column: str) -> Array:
        return self.columns[column]

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

    @property
    def objects(self) -> int:
        """Number of objects."""
        return len(self.obj_starts)

    @property
    def sessions(self) -> int:
        """Number of sessions."""
        return len(self.sess_starts)


def by_object(part: Part) -> Array:
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


def slices(part: Part, most_rows: int) -> list[Array]:
    """The rows of `part` as by `by_object`, cut between sessions into stretches of at most
    `most_rows` (or one session): what fits into a processor's cache is judged faster.
    """
    order = by_object(part)
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


def build(
    part: Part, names: Names, lateness_ns: int | None = None, order: Array | None = None
) -> Frame:
    """The frame of the rows `order` of `part` (as `by_object` sorts them; None: all). Without
    `lateness_ns` an unknown write may take effect FOREVER.
    """
    order = by_object(part) if order is None else order
    taken = {name: part[name][order] for name in _COPIED}
    sess = dense(taken["session"])
    starts = run_starts(sess, taken["object"])
    obj = np.cumsum(starts, dtype=np.int64) - 1
    sess_starts = np.flatnonzero(run_starts(sess))
    write = taken["kind"] != Kind.READ
    writer = Writers(sess, sess_starts, taken["wid"], write)
    call_ns, ret_ns = part["call"][order], part["ret"][order]
    ret_ns = np.maximum(call_ns, ret_ns)
    target = _targets(taken["read_wid"], sess, writer)
    outcome = part["outcome"][order]
    odd = _odd(taken, outcome, target, obj, (call_ns, ret_ns))
    outcome[odd] = Outcome.UNKNOWN
    outcome[writer.shared] = Outcome.UNKNOWN
    end_ns = _ends(ret_ns, outcome, write, lateness_ns)
    clock = make_clock(call_ns, ret_ns, end_ns, _groups(obj, taken["lane"]))
    return Frame(
        names=names,
        order=order,
        columns=taken,
        outcome=outcome,
        odd=odd,
        target=target,
        ver=part["ver"][order].astype(np.int64),
        server_session=part["server_session"][order],
        clock=clock,
        call=clock.ticks(call_ns),
        ret=clock.ticks(ret_ns),
        end=clock.ticks(end_ns),
        obj=obj,
        obj_starts=np.flatnonzero(starts),
        sess=sess,
        sess_starts=sess_starts,
        model=_models(taken["object"], names),
        writer=writer,
    )


def _targets(read_wid: Array, sess: Array, writer: Writers) -> Array:
    """The row of the write whose id each answer shows; -1 where it shows none of its session."""
    target = np.full(len(read_wid), -1, dtype=np.int64)
    rows = np.flatnonzero((read_wid > INITIAL) & (read_wid <= LAST_ID))
    target[rows] = writer.row(sess[rows], read_wid[rows])
    return target


def _odd(
    columns: dict[str, Array],
    outcome: Array,
    target: Array,
    obj: Array,
    times_ns: tuple[Array, Array],
) -> Array:
    """Writes whose answer confirms neither them nor an earlier attempt on the same object."""
    call_ns, ret_ns = times_ns
    read_wid = columns["read_wid"]
    answered = (outcome == Outcome.OK) | (outcome == Outcome.ACCEPTED)
    odd: Array = (columns["kind"] != Kind.READ) & answered
    odd &= (read_wid == FOREIGN) | (read_wid == ALIEN)
    own = (read_wid > INITIAL) & (read_wid <= LAST_ID) & (read_wid != columns["wid"])
    rows = np.flatnonzero((columns["kind"] != Kind.READ) & answered & own)
    shown = target[rows]
    wrong = (shown == -1) | (obj[shown] != obj[rows]) | (call_ns[shown] > ret_ns[rows])
    odd[rows[wrong | (outcome[shown] == Outcome.FAILED)]] = True
    return odd


def _ends(ret_ns: Array, outcome: Array, write: Array, lateness_ns: int | None) -> Array:
    open_end = np.flatnonzero(write & (outcome != Outcome.OK))
    ends = ret_ns.copy()
    ends[open_end] = FOREVER
    if lateness_ns is not None:
        unknown = open_end[outcome[open_end] == Outcome.UNKNOWN]
        ends[unknown] = ret_ns[unknown] + lateness_ns
    return ends


def _groups(obj: Array, lane: Array) -> int:
    """An upper bound for the number of (object, lane) pairs."""
    return (int(obj[-1]) + 1) * (int(lane.max()) + 1) if len(obj) else 1


def _models(objects: Array, names: Names) -> Array:
    table = np.full(int(objects.max()) + 1 if len(objects) else 1, NO_MODEL, dtype=np.uint8)
    for code, model in names.models.items():
        if code < len(table):
            table[code] = Model(model)
    models: Array = table[objects]
    return models
