"""Two versions: one write that responses show with more than one version, though no list holds it
twice.

Who is to blame for a version and an id that disagree is undecided: a write that took effect twice
has two versions, and so has one that was confirmed with a version that it did not become.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.numeric.arrays import NONE
from statedrill.check.relations.list_repeats import listed_twice


class TwoVersions(Check[CheckResult]):
    """Writes that responses show with more than one version."""

    name = "two-versions"
    class_ = "order-conflict"
    unit = "writes"
    term = "write with two versions"
    meaning = "One write, sent once, that responses show as two different versions of its object."
    clause = Clause.NOTHING_MADE_UP
    harm = "shown with two versions"
    consequence_of_loss = True

    def find(self, given: CheckInput) -> CheckResult:
        """Opportunities are the writes with a version."""
        obs = given.observations
        size = len(obs.table)
        shows_write = (obs.observed_write != NONE) & (obs.observed_write < size)
        rows = np.flatnonzero(shows_write & (obs.observed_version != NONE))
        write = obs.observed_write[rows]
        other = write[obs.write_version[write] != obs.observed_version[rows]]
        return CheckResult.of(
            size,
            opportunity=obs.may_apply & (obs.write_version[:size] != NONE),
            violation=obs.table.mask(other) & ~obs.cached(listed_twice),
        )

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        """The write, and the first responses that give it one version and another one."""
        obs, table = given.observations, given.observations.table
        version = int(obs.write_version[row])
        about = (obs.observed_write == row) | (obs.replay & (obs.reported_write == row))
        about[row] = True
        stated = (table.version == version) & ~table.contradictory
        one = int(np.flatnonzero(about & stated)[0])
        differs = (obs.observed_write == row) & (obs.observed_version != version)
        other = int(np.flatnonzero(differs)[0])
        how = "shown" if obs.read[one] else "confirmed"
        return Explanation(
            [row, one, other],
            f"session {describe.session(row)} sent {describe.op(row)} {describe.wid(row)} once; it "
            f"was {how} as version {version} at {describe.at(one)}, and its "
            f"{describe.object(row)} at {describe.at(other)} showed it as version "
            f"{int(obs.observed_version[other])}.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> CheckResult:
        """Every write."""
        return CheckResult.of(len(clean.table), opportunity=clean.writes)
