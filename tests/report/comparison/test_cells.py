"""One pattern under one experiment, with all its runs together."""

from __future__ import annotations

from statedrill.report.comparison.cells import cells_of
from tests.report.runs import a_run, sample_verdict


def test_runs_of_one_cell_are_pooled() -> None:
    cell = cells_of([a_run("sticky", "instance-kill"), a_run("sticky", "instance-kill")])
    [pooled] = cell.values()
    assert (pooled.sessions.part, pooled.sessions.whole) == (160, 480)


def test_the_worst_of_several_runs_counts() -> None:
    worse = sample_verdict("sticky", "none")["availability"] | {"ratio": 0.5, "outage_s": 9.0}
    runs = [
        a_run("sticky", "none"),
        a_run("sticky", "none", outcome="unknown", availability=worse),
        a_run("sticky", "none", outcome="held"),
    ]
    [pooled] = cells_of(runs).values()
    assert (pooled.outcome, pooled.served, pooled.outage_s) == ("unknown", 0.5, 9.0)
