"""Resurrected elements: a read shows an element whose removal was surely done before its call.

The removal may also be a clear that was sent after the element surely was there; see
`relations/set_removals.py`. A read whose own version is outdated shows the past, in which the
element was there: it is stale, and brings nothing back.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NONE, Array
from statedrill.check.relations.set_removals import certain_removal
from statedrill.check.relations.version_order import outdated_rows
from statedrill.vocabulary import Kind


class Resurrected(Check[CheckResult]):
    """Elements that a read shows although their removal was done before it was sent."""

    name = "resurrected"
    class_ = "resurrected"
    unit = "elements"
    term = "resurrected element"
    meaning = "An element of a set that a read shows again after it had surely been removed."
    harm = "resurrected found"
    consequence_of_loss = True

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the elements that surely were removed."""
        obs, lists = given.observations, given.observations.lists
        table = obs.table
        removal = obs.cached(certain_removal)
        result = CheckResult.of(len(table), opportunity=removal < table.clock.top)
        if not result.opportunity.any():
            return result
        shown = np.flatnonzero(lists.write_row != NONE)
        element, read = lists.write_row[shown], lists.read_row[shown]
        back = _of_the_present(obs)[read] & (removal[element] < table.call[read])
        result.violation[element[back]] = True
        return result

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The add, its removal, and the first read that shows the element again."""
        obs, lists = given.observations, given.observations.lists
        table = obs.table
        removed_at = obs.cached(certain_removal)[row]
        reads = lists.read_row[lists.write_row == row]
        back = int(reads[(table.call[reads] > removed_at) & _of_the_present(obs)[reads]][0])
        same = np.flatnonzero((table.object_of == table.object_of[row]) & obs.may_apply)
        names_it = table["element"][same] == table["wid"][row]
        removing = same[(table["kind"][same] == Kind.CLEAR) | names_it]
        removal = int(removing[np.argmin(np.abs(obs.visible_by[removing] - removed_at))])
        return Explanation(
            [row, removal, back],
            f"session {describe.session(row)} removed {describe.wid(row)} from its "
            f"{describe.object(row)}, which was done at {describe.at(removal)}; at "
            f"{describe.at(back)} it was there again.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every element that was removed."""
        return CheckResult.of(len(clean.table), opportunity=clean.removed)


def _of_the_present(obs: Observations) -> Array:
    """Believed answers, without those with a lower version than one that had returned before."""
    outdated, _ = obs.cached(outdated_rows)
    present: Array = obs.valid & ~obs.table.mask(outdated)
    return present
