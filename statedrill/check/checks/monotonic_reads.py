"""Monotonic reads, for each client and object.

Broken by a read of v when an own earlier read showed v' and older(v, v')
(`relations/client_order.py`), or by a list that lacks an element that an own earlier read showed,
with nothing sent that removes it.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NONE
from statedrill.check.relations.client_order import (
    any_before,
    comparable_reads,
    newest_before,
    older_than_before,
)
from statedrill.check.relations.missing_elements import elements_missing_from, missing_elements


class MonotonicReads(Check[CheckResult]):
    """Reads against what the client had read before."""

    name = "monotonic-reads"
    class_ = "monotonic-reads"
    unit = "reads"
    term = "monotonic reads"
    meaning = "Session guarantee: what a session has once seen, it never sees older."
    clause = Clause.MONOTONIC_READS
    consequence_of_loss = True

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the reads after an own read."""
        obs, table = given.observations, given.observations.table
        comparable = comparable_reads(obs)
        reads = np.flatnonzero(comparable)
        sent_at = np.where(obs.observed_write != NONE, obs.sent_at[obs.observed_write], 0)
        after_read = any_before(obs, comparable, reads)
        older = older_than_before(obs, reads, comparable, sent_at, obs.observed_version)
        result = CheckResult.of(
            len(table),
            opportunity=table.mask(reads[after_read]),
            violation=table.mask(reads[after_read & older]),
        )
        lacking = obs.cached(missing_elements)
        result.violation[lacking.rows[lacking.own_read]] = True
        result.opportunity |= result.violation
        return result

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The two reads."""
        obs = given.observations
        if row in obs.cached(missing_elements).rows:
            seen = _seen_before(obs, row)
            if seen is not None:
                first, element = seen
                return Explanation(
                    [first, row],
                    f"session {describe.session(row)} saw {describe.wid(element)} in its "
                    f"{describe.object(row)} at {describe.at(first)}; at {describe.called(row)} "
                    "it was not there, and nothing had been sent that removes it.",
                )
        read = newest_before(obs, row, obs.valid)
        return Explanation(
            [read, row],
            f"session {describe.session(row)} read {describe.shows(read)} from its "
            f"{describe.object(row)} at {describe.at(read)}, and an older state at "
            f"{describe.called(row)}: {describe.shows(row)}.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every read after a read."""
        return CheckResult.of(len(clean.table), opportunity=clean.reads & clean.after_read)


def _seen_before(obs: Observations, row: int) -> tuple[int, int] | None:
    """The first own list read that showed something that `row` lacks, and the row of its add."""
    table, lists = obs.table, obs.lists
    missing = elements_missing_from(obs, row)
    seen = np.isin(lists.write_row, missing) & obs.valid[lists.read_row]
    reads = np.unique(lists.read_row[seen])
    reads = reads[table["lane"][reads] == table["lane"][row]]
    reads = reads[table.ret[reads] < table.call[row]]
    if len(reads) == 0:
        return None
    first = int(reads[0])
    return first, int(lists.write_row[seen & (lists.read_row == first)][0])
