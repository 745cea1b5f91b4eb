"""Writes follow reads, for each client and object.

Broken by an own confirmed write w after an own read of v where ver(w) <= ver(v).
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.numeric.arrays import NONE
from statedrill.check.relations.client_order import by_client, newest_before


class WritesFollowReads(Check[CheckResult]):
    """Confirmed writes against what the client had read before."""

    name = "writes-follow-reads"
    class_ = "writes-follow-reads"
    unit = "writes"
    term = "writes follow reads"
    meaning = (
        "Session guarantee: a write takes effect after the state that its session had read "
        "before it."
    )
    clause = Clause.WRITES_FOLLOW_READS
    consequence_of_loss = True

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the acknowledged writes after an own read, both with a version."""
        obs, table = given.observations, given.observations.table
        known = obs.observed_version != NONE
        writes = np.flatnonzero(obs.acknowledged & known)
        newest = obs.cached(by_client).greatest_before(
            obs.valid & known, obs.observed_version, writes
        )
        after_read = newest != NONE
        older = obs.observed_version[writes] <= newest
        return CheckResult.of(
            len(table),
            opportunity=table.mask(writes[after_read]),
            violation=table.mask(writes[after_read & older]),
        )

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The read and the write after it."""
        obs = given.observations
        read = newest_before(obs, row, obs.valid)
        return Explanation(
            [read, row],
            f"session {describe.session(row)} read {describe.shows(read)} from its "
            f"{describe.object(row)}; its next write {describe.wid(row)} became version "
            f"{int(obs.observed_version[row])} all the same.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every write after a read."""
        return CheckResult.of(len(clean.table), opportunity=clean.writes & clean.after_read)
