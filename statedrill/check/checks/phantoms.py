"""Values from nowhere: a read shows an id that this session never sent to this object, or sent
only after the read had returned.
"""

from __future__ import annotations

from statedrill.check.checks.base import Check, CheckInput, CheckResult, Scope
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.numeric.arrays import NONE


class Phantoms(Check[CheckResult]):
    """Reads that show what this session never wrote to this object."""

    name = "phantoms"
    class_ = "phantom"
    unit = "reads"
    term = "phantom"
    meaning = "A read that shows what nobody had written, or what was written only afterwards."
    scope = Scope.RESPONSE
    clause = Clause.NOTHING_MADE_UP
    harm = "phantoms found"

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the reads that succeeded."""
        obs = given.observations
        return CheckResult.of(
            len(obs.table), opportunity=obs.read | obs.phantom, violation=obs.phantom
        )

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The read, and the write that was sent too late where there is one."""
        table = given.observations.table
        write = int(table.reported_write[row])
        if write != NONE and table.call[write] > table.ret[row]:
            return Explanation(
                [row, write],
                f"session {describe.session(row)} read {describe.wid(write)} from its "
                f"{describe.object(row)} at {describe.at(row)}, before it was sent at "
                f"{describe.called(write)}.",
            )
        return Explanation(
            [row],
            f"session {describe.session(row)} read its {describe.object(row)} at "
            f"{describe.at(row)} and was shown an id that it never sent there "
            f"({describe.shows(row)}).",
        )
