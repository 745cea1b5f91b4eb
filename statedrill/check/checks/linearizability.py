"""Linearizability of each object, by its ids (`relations/register_zones.py`) and by its versions
(`relations/version_order.py`).

An object that breaks it without any read that is definitely stale has an order conflict: two
concurrent writes seen in both orders, where no single operation can be blamed.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import Array
from statedrill.check.relations.client_order import comparable_reads
from statedrill.check.relations.register_zones import conflicting_values
from statedrill.check.relations.version_order import outdated_rows


class Linearizability(Check[CheckResult]):
    """Objects that are not linearizable; the first row of an object stands for it."""

    name = "linearizability"
    class_ = "order-conflict"
    unit = "objects"
    term = "linearizability"
    meaning = "One order of all operations on an object, true to real time, explains all responses."
    consequence_of_loss = True

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the objects that were written and read."""
        obs, table = given.observations, given.observations.table
        broken = np.zeros(table.objects, dtype=bool)
        left, _ = obs.cached(conflicting_values)
        broken[obs.value_object[left]] = True
        rows, _ = obs.cached(outdated_rows)
        broken[table.object_of[rows]] = True
        tested = _objects(obs, comparable_reads(obs)) & _objects(obs, obs.may_apply)
        return CheckResult.of(
            len(table),
            opportunity=table.mask(table.object_starts[tested | broken]),
            violation=table.mask(table.object_starts[broken]),
        )

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """Two states that no single order explains: the operations that give F and M of both."""
        obs = given.observations
        left, right = obs.cached(conflicting_values)
        pairs = np.flatnonzero(obs.value_object[left] == obs.table.object_of[row])
        what = f"the {describe.object(row)} of session {describe.session(row)}"
        if len(pairs) == 0:
            return Explanation(
                [row], f"the versions that answers show of {what} fit no single order."
            )
        return Explanation(
            [*_extremes(obs, int(left[pairs[0]])), *_extremes(obs, int(right[pairs[0]]))],
            f"answers show two states of {what} in both orders: no single order explains them.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every object with a write and a read, one after the other."""
        table = clean.table
        tested = _objects(clean.obs, clean.writes & clean.after_read)
        tested |= _objects(clean.obs, clean.reads & clean.after_write)
        return CheckResult.of(len(table), opportunity=table.mask(table.object_starts[tested]))


def _objects(obs: Observations, rows: Array) -> Array:
    """The objects that have one of the `rows`, as a mask."""
    found = np.zeros(obs.table.objects, dtype=bool)
    found[obs.table.object_of[rows]] = True
    return found


def _extremes(obs: Observations, value: int) -> list[int]:
    """The operations that give F and M of a value."""
    table = obs.table
    reads = np.flatnonzero(obs.observed_write == value)
    group = np.append(reads, value) if value < len(table) else reads
    ends = np.where(obs.may_apply[group], table.effect_end[group], table.ret[group])
    return [int(group[np.argmin(ends)]), int(group[np.argmax(table.call[group])])]
