"""Leaks: a response shows the id of a write that another session made. Zero tolerance.

A leaked response is never fed into any aggregate.
"""

from __future__ import annotations

from statedrill.check.checks.base import Check, CheckInput, CheckResult, Scope
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.history.operation import FOREIGN
from statedrill.vocabulary import Outcome


class Leaks(Check[CheckResult]):
    """Responses that show another session's write."""

    name = "leaks"
    class_ = "leak"
    unit = "reads"
    term = "leak"
    meaning = "A read that shows what another session wrote."
    scope = Scope.RESPONSE
    clause = Clause.NO_LEAK
    harm = "leaks found"

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the responses that show any write."""
        obs = given.observations
        answered = obs.read | (obs.table.outcome == Outcome.OK)
        return CheckResult.of(len(obs.table), opportunity=answered | obs.leak, violation=obs.leak)

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The response alone."""
        directly = given.observations.table["read_wid"][row] == FOREIGN
        where = "shown" if directly else "shown, in a list,"
        return Explanation(
            [row],
            f"session {describe.session(row)} asked for its {describe.object(row)} at "
            f"{describe.called(row)} and was {where} a write that another session made.",
        )
