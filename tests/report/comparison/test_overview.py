"""The overview of a large comparison: its numbers claim no more than was counted."""

from __future__ import annotations

import pytest

from statedrill.report.comparison.heatmap import Grid, grid
from statedrill.report.comparison.overview import Square, overview
from tests.report.runs import a_run, renamed, sample_verdict

EXPERIMENTS = ("none", "instance-kill", "cache-flush", "zone-outage", "scale-in")


def drawn(patterns: int, experiments: int = 5, **changes: object) -> Grid:
    runs = [
        renamed(a_run("sticky", "none", **changes), f"sticky-{pattern}", experiment)
        for pattern in range(patterns)
        for experiment in EXPERIMENTS[:experiments]
    ]
    return grid(runs, lambda run: "report.html", {("sticky-0", "bad-deploy"): "no backups"})


def first(grid: Grid) -> Square:
    seen = overview(grid)
    assert seen is not None
    return seen.rows[0][1][0]


def test_a_small_comparison_needs_no_overview() -> None:
    assert overview(drawn(9, experiments=3)) is None


def test_the_longer_side_goes_down() -> None:
    few, many = overview(drawn(2)), overview(drawn(8))
    assert few is not None
    assert many is not None
    assert few.columns == ("sticky-0", "sticky-1")
    assert [name for name, _ in few.rows] == [*EXPERIMENTS, "bad-deploy"]
    assert many.columns == (*EXPERIMENTS, "bad-deploy")
    assert len(many.rows) == 8


def test_a_cell_that_no_run_can_fill_is_hatched_and_says_why() -> None:
    seen = overview(drawn(2))
    assert seen is not None
    square = dict(seen.rows)["bad-deploy"][0]
    assert (square.text, square.step, square.href) == ("", "none", "")
    assert "no backups" in square.words


@pytest.mark.parametrize(
    ("lost", "text"), [(0, "0"), (1, "<1"), (80, "33"), (239, ">99"), (240, "100")]
)
def test_a_number_never_says_all_or_nothing_where_it_is_not(lost: int, text: str) -> None:
    sessions = sample_verdict("sticky", "none")["sessions"] | {"lost": lost}
    assert first(drawn(2, sessions=sessions)).text == text


def test_the_greater_share_is_shown_and_both_are_said() -> None:
    verdict = sample_verdict("sticky", "none")
    writes = verdict["writes"] | {"acknowledged": 100, "lost": 50}
    square = first(drawn(2, writes=writes, sessions=verdict["sessions"] | {"lost": 24}))
    assert square.text == "50"
    assert "10.0 % sessions lost, 50.0 % writes lost" in square.words


@pytest.mark.parametrize(("outcome", "mark"), [("held", ""), ("broken", "✗"), ("unknown", "?")])
def test_an_outcome_that_is_not_held_is_marked(outcome: str, mark: str) -> None:
    assert first(drawn(2, outcome=outcome)).mark == mark
