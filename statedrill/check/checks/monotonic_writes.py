"""Monotonic writes, for each client and object.

Broken by an own acknowledged write w2 after an own acknowledged w1 where ver(w2) < ver(w1), or
where a log shows them reversed. A write that was only accepted promises its durability, so it
counts here.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.numeric.arrays import NONE
from statedrill.check.relations.client_order import by_client, newest_before
from statedrill.check.relations.log_prefixes import reversed_writes


class MonotonicWrites(Check[CheckResult]):
    """Acknowledged writes against those that the client had acknowledged before."""

    name = "monotonic-writes"
    class_ = "monotonic-writes"
    unit = "writes"
    term = "monotonic writes"
    meaning = "Session guarantee: a session's writes take effect in its order."
    clause = Clause.MONOTONIC_WRITES
    consequence_of_loss = True

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the writes after an own write, both with a version."""
        obs, table = given.observations, given.observations.table
        known = obs.observed_version != NONE
        writes = np.flatnonzero(obs.acknowledged & known)
        before = obs.cached(by_client)
        own = obs.acknowledged_directly & known
        newest = before.greatest_before(own, obs.observed_version, writes)
        after_write = newest != NONE
        older = obs.observed_version[writes] < newest
        swapped = reversed_writes(obs, before.group)
        return CheckResult.of(
            len(table),
            opportunity=table.mask(writes[after_write]) | swapped,
            violation=table.mask(writes[after_write & older]) | swapped,
        )

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The two writes."""
        obs = given.observations
        write = newest_before(obs, row, obs.acknowledged)
        return Explanation(
            [write, row],
            f"session {describe.session(row)} wrote {describe.wid(write)} and then "
            f"{describe.wid(row)} to its {describe.object(row)}; they took effect in the other "
            "order.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every write after a write."""
        return CheckResult.of(len(clean.table), opportunity=clean.writes & clean.after_write)
