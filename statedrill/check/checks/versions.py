"""Versions: two confirmed writes of one object that share a version: only one can be the truth.

Versions count the applied writes of one line of history, so shared ones show a split brain.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.numeric.arrays import NONE
from statedrill.check.relations.version_order import shared_versions


class Versions(Check[CheckResult]):
    """Confirmed writes that share their version with another one."""

    name = "versions"
    class_ = "order-conflict"
    unit = "writes"
    term = "shared version"
    meaning = "Two writes of one object that were both confirmed as the same version."
    consequence_of_loss = True

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the confirmed writes with a version."""
        obs, table = given.observations, given.observations.table
        versioned = obs.confirmed & (obs.write_version[: len(table)] != NONE)
        shared = shared_versions(obs, np.flatnonzero(versioned), np.zeros(len(table), dtype=bool))
        return CheckResult.of(len(table), opportunity=versioned, violation=table.mask(shared))

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The two writes."""
        obs, table = given.observations, given.observations.table
        version = obs.write_version[row]
        same = np.flatnonzero((table.object_of == table.object_of[row]) & obs.confirmed)
        other = int(same[(obs.write_version[same] == version) & (same != row)][-1])
        return Explanation(
            [row, other],
            f"two writes of session {describe.session(row)} to its {describe.object(row)}, "
            f"{describe.wid(row)} and {describe.wid(other)}, were both confirmed as version "
            f"{int(version)}.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every write."""
        return CheckResult.of(len(clean.table), opportunity=clean.writes)
