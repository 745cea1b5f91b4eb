"""Resurrected sessions: a response belongs to a server session that its user had ended.

After a confirmed sign-out of server session k, a later response that succeeds and shows k again is
a violation, unless a sign-in was sent in between. A failure that the pattern does not promise to
survive explains it, where the sign-out was sent before the failure was over and the response came
after it had begun: the sign-out was lost. A restore does not explain what it had to bring back
(`RestoreObjective`): a sign-out from before the restore point that is not there after the restore.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult, Mask, Scope
from statedrill.check.context import CheckContext
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.operations import OperationTable
from statedrill.check.numeric.arrays import NONE, Array
from statedrill.check.relations.signing import count_between, sign_out_before
from statedrill.history.operation import FOREVER, SIGNED_OUT
from statedrill.vocabulary import Kind, Outcome


@dataclass(kw_only=True, eq=False)
class ResurrectedSessionsResult(CheckResult):
    """The first row of a session stands for it. `back` are the responses that break the
    definition, without those that a failure explains.
    """

    back: Mask


class ResurrectedSessions(Check[ResurrectedSessionsResult]):
    """Users who had signed out, and whose old cookie was good again."""

    name = "resurrected-sessions"
    class_ = "resurrected"
    unit = "sessions"
    term = "resurrected session"
    meaning = "A session that serves its user's old cookie again after a confirmed sign-out."
    scope = Scope.SESSION
    harm = "sessions served again after their sign-out"
    result_type = ResurrectedSessionsResult

    def find(self, given: CheckInput) -> ResurrectedSessionsResult:
        """Opportunities are the sessions in which an old cookie was shown after a sign-out."""
        table, sign_out = given.observations.table, given.observations.cached(sign_out_before)
        rows = np.flatnonzero((sign_out != NONE) & _tells_of_its_session(table))
        rows = rows[count_between(table, (Kind.SIGN_IN,), sign_out[rows], rows) == 0]
        same = table.server_session[rows] == table.server_session[sign_out[rows]]
        refused = table.server_session[rows] == SIGNED_OUT
        shown = rows[same]
        explained = _explained(table, given.context, sign_out[shown], shown)
        back = table.mask(shown[~explained])
        violation = _sessions(table, shown[~explained])
        return ResurrectedSessionsResult.of(
            len(table),
            opportunity=_sessions(table, rows[same | refused]),
            violation=violation,
            consequences=_sessions(table, shown[explained]) & ~violation,
            back=back,
        )

    def explain(
        self, given: CheckInput, result: ResurrectedSessionsResult, row: int, describe: Describer
    ) -> Explanation:
        """The sign-out, and the first response that belongs to its session again."""
        sign_out = int(given.observations.cached(sign_out_before)[row])
        return Explanation(
            [sign_out, row],
            f"session {describe.session(row)} signed out of {describe.signed_in_as(sign_out)}, "
            f"which was confirmed at {describe.at(sign_out)}, and at {describe.at(row)} its old "
            "cookie was good again.",
        )

    def shown_by(self, given: CheckInput, result: ResurrectedSessionsResult, row: int) -> int:
        """The first response that shows what the session that begins at `row` had ended."""
        table = given.observations.table
        rows = np.flatnonzero(result.back & (table.session_of == table.session_of[row]))
        return int(rows[np.argmin(table.call[rows])])


def _tells_of_its_session(table: OperationTable) -> Array:
    """Responses that the application gives only to whoever is signed in, or a refusal of it. What
    is accepted into a queue may be so without a look at the session.
    """
    kind, shown = table["kind"], table.server_session
    signing = (kind == Kind.SIGN_IN) | (kind == Kind.SIGN_OUT)
    tells: Array = ~signing & ((table.outcome == Outcome.OK) | (shown == SIGNED_OUT))
    return tells


def _sessions(table: OperationTable, rows: Array) -> Array:
    """Mask of the first rows of the sessions of `rows`."""
    return table.mask(table.session_starts[table.session_of[rows]])


def _explained(
    table: OperationTable, context: CheckContext, sign_out: Array, shown: Array
) -> Array:
    """Whether a failure that is not promised against may have undone each of the sign-outs before
    the response beside it.
    """
    window, restore = context.loss_window_ns, context.restore
    if window is None:
        return np.zeros(len(shown), dtype=bool)
    done_ns, seen_ns = table.clock.ns(table.ret[sign_out]), table.clock.ns(table.call[shown])
    explained: Array = table.clock.ns(table.ret[shown]) >= window[0]
    explained &= table.clock.ns(table.call[sign_out]) <= window[1]
    if restore and window[1] < FOREVER:
        explained &= ~restore.must_be_back(done_ns, seen_ns)
    return explained
