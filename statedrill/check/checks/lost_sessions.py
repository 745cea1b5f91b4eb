"""Lost sessions: a response shows no session, or another one, although nobody signed out.

After a confirmed sign-in that showed server session k, a response r is a loss when it shows
SIGNED_OUT or another id than k, unless a sign-in or sign-out that is not the latest confirmed one
may have been applied before r returned and after k (one that timed out may still land), or the
session may have expired since its last use (`relations/session_expiry.py`). A 503 or a timeout is
unavailability, not loss. A session is *lost* when its last response before the next sign-in, or at
the audit, was a loss; it had an *outage* when the same id came back; with no response after the
loss, no audit and no new sign-in it is *undecided*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult, Mask, Scope
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.operations import OperationTable
from statedrill.check.numeric.arrays import NEVER, NONE, Array
from statedrill.check.relations.session_expiry import refused_after
from statedrill.check.relations.signing import count_between, sign_in_before
from statedrill.history.operation import NOT_SHOWN
from statedrill.vocabulary import Kind, Outcome, Phase

_SIGNING = (Kind.SIGN_IN, Kind.SIGN_OUT)


@dataclass(kw_only=True, eq=False)
class LostSessionsResult(CheckResult):
    """The first row of a session stands for it, also in `outage` and `undecided`. `loss` are the
    responses that show a loss, `first_loss` the first one of each session. `expired` are sessions
    that were shown to be gone when surely nobody had used them for longer than they live.
    """

    outage: Mask
    undecided: Mask
    loss: Mask
    first_loss: Mask
    expired: Mask


class LostSessions(Check[LostSessionsResult]):
    """Sessions that were lost for good, or until their user signed in again."""

    name = "lost-sessions"
    class_ = "session-lost"
    unit = "sessions"
    term = "lost session"
    meaning = "A user who was signed in and then was not, without having signed out."
    scope = Scope.SESSION
    clause = Clause.SURVIVES
    harm = "of {sessions:,} sessions lost"
    doubts = ("record", "sessions")
    result_type = LostSessionsResult

    def find(self, given: CheckInput) -> LostSessionsResult:
        """Opportunities are the sessions with a response after a confirmed sign-in."""
        table = given.observations.table
        sign_in = given.observations.cached(sign_in_before)
        shown = np.flatnonzero(_shows_session(table) & (sign_in != NONE))
        mismatch = table.server_session[shown] != table.server_session[sign_in[shown]]
        suspects = shown[mismatch]
        # one is the confirmed sign-in itself
        changed = count_between(table, _SIGNING, sign_in[suspects], suspects) > 1
        expired, surely = refused_after(table, suspects, given.context.ttl_ns)
        loss = table.mask(suspects[~changed & ~expired])
        evident = np.flatnonzero(~mismatch | loss[shown])
        result = LostSessionsResult.of(
            len(table),
            opportunity=table.mask(table.session_starts[table.session_of[shown]]),
            loss=loss,
            expired=table.mask(table.session_starts[table.session_of[suspects[surely & ~changed]]]),
        )
        if loss.any():
            _decide_fates(table, shown[evident], sign_in, result)
        return result

    def explain(
        self, given: CheckInput, result: LostSessionsResult, row: int, describe: Describer
    ) -> Explanation:
        """The sign-in, and the first response that shows the loss."""
        sign_in = int(given.observations.cached(sign_in_before)[row])
        return Explanation(
            [sign_in, row],
            f"session {describe.session(row)} signed in at {describe.at(sign_in)} as "
            f"{describe.signed_in_as(sign_in)}, did not sign out, and was shown "
            f"{describe.signed_in_as(row)} at {describe.at(row)}.",
        )

    def shown_by(self, given: CheckInput, result: LostSessionsResult, row: int) -> int:
        """The first response that shows the loss of the session that begins at `row`."""
        session_of = given.observations.table.session_of
        return int(np.flatnonzero(result.first_loss & (session_of == session_of[row]))[0])


def may_have_expired(given: CheckInput, rows: Array, kept: Array) -> Array:
    """Whether the session of each of the answers `rows` may have expired before it, where only uses
    of the mask `kept` prolonged it; the last sign-in before each of `rows` is among them.
    """
    return refused_after(given.observations.table, rows, given.context.ttl_ns, kept)[0]


def _shows_session(table: OperationTable) -> Array:
    """Responses that show the session they belong to; signing in or out changes it instead."""
    kind, outcome = table["kind"], table.outcome
    changing = (kind == Kind.SIGN_IN) | ((kind == Kind.SIGN_OUT) & (outcome == Outcome.OK))
    shows: Array = (table.server_session != NOT_SHOWN) & ~changing
    return shows


def _decide_fates(
    table: OperationTable, evident: Array, sign_in: Array, result: LostSessionsResult
) -> None:
    """Fills in what became of every session that showed a loss; `evident` are the rows whose
    response shows whether the session was still there.
    """
    hit = np.zeros(table.sessions, dtype=bool)
    hit[table.session_of[result.loss]] = True
    rows = evident[hit[table.session_of[evident]]]
    rows = rows[np.lexsort((table.call[rows], table.session_of[rows]))]
    bad = rows[result.loss[rows]]
    last_of_sign_in = np.append(sign_in[rows][1:] != sign_in[rows][:-1], True)
    ends_bad = rows[last_of_sign_in & result.loss[rows]]
    audited = table["phase"][ends_bad] >= Phase.AUDIT
    gone = ends_bad[_signed_in_after(table, ends_bad) | audited]

    def sessions(of: Array) -> Array:
        return table.mask(table.session_starts[table.session_of[of]])

    result.violation = sessions(gone)
    result.undecided = sessions(ends_bad) & ~result.violation
    result.outage = sessions(bad) & ~(result.violation | result.undecided)
    first = np.unique(table.session_of[bad], return_index=True)[1]
    result.first_loss = table.mask(bad[first])


def _signed_in_after(table: OperationTable, rows: Array) -> Array:
    """Whether a sign-in was sent in the session of each row after the row's return."""
    session_of = table.session_of
    sign_ins = np.flatnonzero(table["kind"] == Kind.SIGN_IN)
    calls = np.sort(table.key(session_of[sign_ins], table.call[sign_ins]))
    returned = table.key(session_of[rows], table.ret[rows])
    following = np.append(calls, NEVER)[np.searchsorted(calls, returned, side="left")]
    again: Array = table.group_of(following) == session_of[rows]
    return again
