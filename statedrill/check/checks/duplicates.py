"""Duplicates: one attempt that took effect twice, because its id stands twice in one list.

That is always the system's fault. (One id that responses show with two versions proves no such
thing, see `two_versions.py`.)
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.relations.list_repeats import listed_twice


class Duplicates(Check[CheckResult]):
    """Writes that one list holds twice."""

    name = "duplicates"
    class_ = "duplicate"
    unit = "writes"
    term = "duplicated effect"
    meaning = "One write, sent once, whose effect is there twice; or one order placed twice."
    clause = Clause.NOTHING_MADE_UP
    harm = "duplicates found"

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the writes that surely were there at some time."""
        obs = given.observations
        size = len(obs.table)
        return CheckResult.of(
            size,
            opportunity=obs.may_apply & (obs.visible_by[:size] < obs.table.clock.top),
            violation=obs.cached(listed_twice),
        )

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The write, and the first read whose list holds it more than once."""
        obs, lists = given.observations, given.observations.lists
        reads, times = np.unique(lists.read_row[lists.write_row == row], return_counts=True)
        read = int(reads[(times > 1) & obs.valid[reads]][0])
        return Explanation(
            [row, read],
            f"session {describe.session(row)} sent {describe.op(row)} {describe.wid(row)} once; "
            f"its {describe.object(row)} at {describe.at(read)} holds it "
            f"{int(times[reads == read][0])} times.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every write."""
        return CheckResult.of(len(clean.table), opportunity=clean.writes)
