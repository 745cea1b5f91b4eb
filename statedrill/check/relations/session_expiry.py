"""When a session may have expired, and its state with it: it was not used for its time to live.

A use is a confirmed answer that shows the session. Between two uses that show different ones the
session may have expired when the later one returned at least the time to live after the earlier
one was sent. Knows nothing of what is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.index.observations import Observations
from statedrill.check.index.operations import OperationTable
from statedrill.check.numeric.arrays import Array, mask_of
from statedrill.history.operation import FOREVER, SIGNED_OUT
from statedrill.vocabulary import Model, Outcome

_UPLOAD = "upload/"


@dataclass(frozen=True)
class Expiries:
    """All of them, one after the other: the session, the calls of the uses before and after, and
    the return of the one after as a key.
    """

    session: Array
    call_before: Array
    call_after: Array
    returned: Array


def possible_expiries(table: OperationTable, ttl_ns: int) -> Expiries:
    """When sessions may have expired; none for a `ttl_ns` of FOREVER."""
    nothing = np.zeros(0, dtype=np.int64)
    if not _long_enough(table, ttl_ns):
        return Expiries(nothing, nothing, nothing, nothing)
    uses = np.flatnonzero((table.outcome == Outcome.OK) & (table.server_session > SIGNED_OUT))
    done = table.key(table.session_of[uses], table.ret[uses])
    order = np.argsort(done, kind="stable")
    uses, done = uses[order], done[order]
    before, after = uses[:-1], uses[1:]
    apart = table.clock.ns(table.ret[after]) - table.clock.ns(table.call[before]) >= ttl_ns
    same = table.session_of[before] == table.session_of[after]
    other = table.server_session[before] != table.server_session[after]
    found = np.flatnonzero(apart & same & other)
    before, after = before[found], after[found]
    return Expiries(table.session_of[after], table.call[before], table.call[after], done[1:][found])


def expired_between(obs: Observations, ttl_ns: int, writes: Array, reads: Array) -> Array:
    """Whether the state that each of `writes` made may have expired before the read beside it."""
    if len(writes) == 0:
        return np.zeros(0, dtype=bool)
    table, found = obs.table, possible_expiries(obs.table, ttl_ns)
    write, expiry = _pairs(table, found, writes)
    reader = table.key(table.session_of[writes], table.ret[reads])
    between = table.call[writes][write] < found.call_after[expiry]
    between &= found.returned[expiry] <= reader[write]
    pair = _pair(table.object_of[writes][write], expiry)
    between &= ~np.isin(pair, _outlived(obs, found, ttl_ns))
    return mask_of(write[between], len(writes)) & in_session(table)[writes]


def expired_objects(obs: Observations, ttl_ns: int) -> tuple[Array, Array]:
    """Per object when the last use before its state may first have expired was sent (the top tick:
    it did not), and when the first use after it may last have expired had returned (0: it did not).
    """
    table, found = obs.table, possible_expiries(obs.table, ttl_ns)
    since = np.full(table.objects, table.clock.top, dtype=np.int64)
    until = np.zeros(table.objects, dtype=np.int64)
    mine = table.object_starts[in_session(table)[table.object_starts]]
    place, expiry = _pairs(table, found, mine)
    hit = table.object_of[mine][place]
    open_ = ~np.isin(_pair(hit, expiry), _outlived(obs, found, ttl_ns))
    np.minimum.at(since, hit[open_], found.call_before[expiry[open_]])
    np.maximum.at(until, hit[open_], table.tick_of(found.returned[expiry[open_]]))
    return since, until


def _outlived(obs: Observations, found: Expiries, ttl_ns: int) -> Array:
    """The pairs of object and expiry between which a write stayed visible: it was surely there
    when the session can have expired at the earliest, and a read called afterwards shows it.
    """
    table = obs.table
    writes = np.flatnonzero(obs.may_apply & (obs.visible_by[: len(table)] < table.clock.top))
    write, expiry = _pairs(table, found, writes)
    write = writes[write]
    earliest_ns = table.clock.ns(found.call_before[expiry]) + ttl_ns
    stayed = table.clock.ns(obs.visible_by[write]) <= earliest_ns
    stayed &= obs.last_observed[write] > table.tick_of(found.returned[expiry])
    return _pair(table.object_of[write[stayed]], expiry[stayed])


def _pairs(table: OperationTable, found: Expiries, rows: Array) -> tuple[Array, Array]:
    """Each of `rows`, by its place, with each expiry of its session, by its number."""
    session = table.session_of[rows]
    first = np.searchsorted(found.session, session, "left")
    number = np.searchsorted(found.session, session, "right") - first
    place = np.repeat(np.arange(len(rows)), number)
    nth = np.arange(len(place)) - np.repeat(np.cumsum(number) - number, number)
    return place, nth + np.repeat(first, number)


def _pair(thing: Array, expiry: Array) -> Array:
    pair: Array = (thing.astype(np.int64) << 32) | expiry
    return pair


def in_session(table: OperationTable) -> Array:
    """Mask of the rows on state that lives with the session: no orders, no uploads."""
    uploads = [n for n, name in table.names.objects.items() if name.startswith(_UPLOAD)]
    state = (table.model < Model.ORDERS) & (table.model >= Model.REGISTER)
    mine: Array = state & ~np.isin(table["object"], np.array(uploads, dtype=np.int64))
    return mine


def refused_after(
    table: OperationTable, rows: Array, ttl_ns: int, kept: Array | None = None
) -> tuple[Array, Array]:
    """Whether the session of each of the answers `rows` may have expired before it, and whether
    it surely had not been used for longer than `ttl_ns` when the call was sent. `kept` is a mask of
    the rows whose use counts (None: all), the last sign-in before each of `rows` among them.
    """
    nothing = np.zeros(len(rows), dtype=bool)
    if len(rows) == 0 or not _long_enough(table, ttl_ns):
        return nothing, nothing
    use = (table.outcome == Outcome.OK) & (table.server_session > SIGNED_OUT)
    uses = np.flatnonzero(use if kept is None else use & kept)
    done = table.key(table.session_of[uses], table.ret[uses])
    order = np.argsort(done, kind="stable")
    done, calls_ns = done[order], table.clock.ns(table.call[uses])[order]
    place = np.searchsorted(done, table.key(table.session_of[rows], table.call[rows])) - 1
    # within a session returns rise, and so do calls of a client: the last return is recent enough
    last_ns = np.where(place >= 0, calls_ns[place], 0)
    may: Array = table.clock.ns(table.ret[rows]) >= last_ns + ttl_ns
    return may, may & _unused(table, rows, ttl_ns)


def _unused(table: OperationTable, rows: Array, ttl_ns: int) -> Array:
    """Whether nothing that may have used the session was under way in the time to live before the
    call of each of `rows`; what has an unknown outcome may be so for ever.
    """
    maybe = np.flatnonzero(table.outcome != Outcome.FAILED)
    calls = table.key(table.session_of[maybe], table.call[maybe])
    over = np.where(table.outcome == Outcome.UNKNOWN, table.effect_end, table.ret)[maybe]
    order = np.argsort(calls, kind="stable")
    latest = np.maximum.accumulate(table.key(table.session_of[maybe], over)[order])
    place = np.searchsorted(calls[order], table.key(table.session_of[rows], table.call[rows])) - 1
    last: Array = table.tick_of(latest[place])
    unused: Array = table.clock.ns(table.call[rows]) > table.clock.ns(last) + ttl_ns
    ended: Array = (place >= 0) & (last < table.clock.top)
    return ended & unused


def _long_enough(table: OperationTable, ttl_ns: int) -> bool:
    """Whether anything can have lived for so long in this record."""
    if ttl_ns >= FOREVER or len(table) == 0:
        return False
    span_ns = table.clock.ns(table.ret.max()) - table.clock.ns(table.call.min())
    return bool(span_ns >= ttl_ns)
