"""Which sign-in or sign-out a response follows, and which ones may have come between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from statedrill.check.index.observations import Observations
from statedrill.check.index.operations import OperationTable
from statedrill.check.numeric.arrays import NONE, Array
from statedrill.history.operation import SIGNED_OUT
from statedrill.vocabulary import Kind, Outcome


def sign_in_before(obs: Observations) -> Array:
    """Per row the confirmed sign-in of its session that had returned last before its call; NONE
    where there is none.
    """
    return _latest_before(obs.table, Kind.SIGN_IN)


def sign_out_before(obs: Observations) -> Array:
    """Per row the confirmed sign-out of its session that had returned last before its call; NONE
    where there is none. One that does not show which server session it ended is left out.
    """
    return _latest_before(obs.table, Kind.SIGN_OUT)


def count_between(
    table: OperationTable, kinds: Sequence[Kind], earlier: Array, later: Array
) -> Array:
    """How many operations of `kinds` may have been applied after the call of each of `earlier` and
    before the return of the row of `later` beside it, which is of the same session.
    """
    kind, session_of = table["kind"], table.session_of
    rows = np.flatnonzero(np.isin(kind, kinds) & (table.outcome != Outcome.FAILED))
    calls = np.sort(table.key(session_of[rows], table.call[rows]))
    ends = np.sort(table.key(session_of[rows], table.effect_end[rows]))
    base = table.key(session_of[later], 0)
    sent = np.searchsorted(calls, base + table.ret[later]) - np.searchsorted(calls, base)
    over = np.searchsorted(ends, base + table.call[earlier]) - np.searchsorted(ends, base)
    between: Array = sent - over
    return between


def _latest_before(table: OperationTable, kind: Kind) -> Array:
    """Per row the latest operation of `kind` before it that was confirmed and showed a session."""
    rows = np.flatnonzero(
        (table["kind"] == kind)
        & (table.outcome == Outcome.OK)
        & (table.server_session > SIGNED_OUT)
    )
    if len(rows) == 0:
        return np.full(len(table), NONE, dtype=np.int64)
    # most sessions have one: no search is needed for their rows
    times = np.bincount(table.session_of[rows], minlength=table.sessions)
    only = np.full(table.sessions, NONE, dtype=np.int64)
    only[table.session_of[rows]] = rows
    only[times != 1] = NONE
    found = only[table.session_of]
    found[table.ret[found] >= table.call] = NONE
    asked = np.flatnonzero((times > 1)[table.session_of])
    done = table.key(table.session_of[rows], table.ret[rows])
    order = np.argsort(done, kind="stable")
    rows, done = rows[order], done[order]
    called = table.key(table.session_of[asked], table.call[asked])
    place = np.searchsorted(done, called) - 1
    same = (place >= 0) & (table.session_of[rows[place]] == table.session_of[asked])
    found[asked[same]] = rows[place[same]]
    return found
