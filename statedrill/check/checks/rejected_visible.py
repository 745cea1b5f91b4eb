"""Rejected writes that are visible all the same (docs/definitions.md#r5).

A write is rejected when its outcome is FAILED, or when it was answered as the repetition of an
earlier attempt.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult, Scope
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.numeric.arrays import NONE


class RejectedVisible(Check[CheckResult]):
    """Reads that show a write that the system had rejected."""

    name = "rejected-visible"
    class_ = "rejected-visible"
    unit = "reads"
    term = "rejected write visible"
    meaning = "A read that shows a write of which the user was told that it had not been done."
    scope = Scope.RESPONSE
    clause = Clause.NOTHING_MADE_UP

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the reads that succeeded."""
        obs = given.observations
        return CheckResult.of(len(obs.table), opportunity=obs.read, violation=obs.rejected)

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The rejected write and the read that shows it."""
        obs, lists = given.observations, given.observations.lists
        shown = np.append(obs.reported_write[row], lists.write_row[lists.read_row == row])
        shown = shown[shown != NONE]
        write = int(shown[~obs.may_apply[shown]][0])
        return Explanation(
            [write, row],
            f"session {describe.session(row)} was told at {describe.at(write)} that "
            f"{describe.wid(write)} was not done, and read it from its {describe.object(row)} at "
            f"{describe.at(row)}.",
        )
