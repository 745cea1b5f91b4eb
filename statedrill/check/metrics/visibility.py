"""How soon a write can be seen: the share of reads at age t that see it (the measured PBS curve).

The age of a read is the time from the latest confirmed or accepted write of its object, as
acknowledged, to the read's call; the read sees it unless it is stale (against accepted writes,
too). Reads before any acknowledged write have no age. Follow-ups of a lost state are left out.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import CheckResults
from statedrill.check.checks.stale_reads import StaleReads
from statedrill.check.index.precedence import Predecessors
from statedrill.check.metrics.record import VisibilityPoint
from statedrill.check.numeric.arrays import NONE, Array

AGES_MS = (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000,
)  # fmt: skip


def visibility(results: CheckResults, following: Array) -> Array:
    """Counts of reads by age: row 0 those that see the write, row 1 those that do not; the last
    column is of all older ages.
    """
    obs, table = results.given.observations, results.given.observations.table
    stale = results.of(StaleReads)
    reads = np.flatnonzero(stale.opportunity & ~following)
    latest = Predecessors(table, table.object_of).greatest_before(
        obs.acknowledged_directly, table.ret, reads
    )
    reads, latest = reads[latest != NONE], latest[latest != NONE]
    age_ns = table.clock.ns(table.call[reads]) - table.clock.ns(latest)
    place = np.searchsorted(np.array(AGES_MS) * 1_000_000, age_ns, side="left")
    size = len(AGES_MS) + 1
    counts = np.bincount(place + size * stale.late[reads], minlength=2 * size)
    return counts.reshape(2, size)


def curve(counts: Array) -> list[VisibilityPoint]:
    """The key "visibility": per age (up to `age_s`, None: any older) the reads and the share that
    sees the write.
    """
    ages = [age_ms / 1000 for age_ms in AGES_MS] + [None]
    seen, missed = counts.tolist()
    return [
        {"age_s": age, "reads": sees + misses, "seen": round(sees / (sees + misses), 6)}
        for age, sees, misses in zip(ages, seen, missed, strict=True)
        if sees + misses
    ]
