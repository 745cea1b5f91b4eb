"""Log order: every list that was read is a prefix of the longest of its object, and as long as
`ver`. Orders are logs too. Lists that show an entry twice are judged as duplicates.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.numeric.arrays import NONE
from statedrill.check.relations.log_prefixes import log_lists, longest_of_object, not_prefix
from statedrill.vocabulary import Model


class LogOrder(Check[CheckResult]):
    """List reads of logs that are no prefix of the longest, or not as long as `ver`."""

    name = "log-order"
    class_ = "order-conflict"
    unit = "reads"
    term = "log order"
    meaning = "A log, once read, only grows: each list read is a beginning of every longer one."
    consequence_of_loss = True

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the list reads of logs and orders."""
        obs, lists = given.observations, given.observations.lists
        chosen = log_lists(obs)
        chosen = chosen[~lists.with_repeats[chosen]]
        result = CheckResult.of(len(obs.table))
        if len(chosen) == 0:
            return result
        rows = lists.rows[chosen]
        version = obs.observed_version[rows]
        other_length = (version != NONE) & (version != lists.lengths[chosen])
        differs = not_prefix(obs, chosen, longest_of_object(obs, chosen))
        result.opportunity[rows] = True
        result.violation[rows] = differs | other_length
        return result

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The list read and the longest one of its object."""
        obs, lists = given.observations, given.observations.lists
        same = np.flatnonzero(obs.table.object_of[lists.rows] == obs.table.object_of[row])
        longest = int(lists.rows[same[np.argmax(lists.lengths[same])]])
        return Explanation(
            [row, longest],
            f"the {describe.object(row)} that session {describe.session(row)} read at "
            f"{describe.at(row)} is no beginning of the one read at {describe.at(longest)}.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every list read of a log."""
        opportunity = clean.list_reads & (clean.table.model >= Model.LOG)
        return CheckResult.of(len(clean.table), opportunity=opportunity)
