"""The grid of a comparison: its order, its numbers and its steps of colour."""

from __future__ import annotations

from statedrill.report.comparison.heatmap import STEPS, grid
from tests.report.runs import a_run


def test_patterns_and_experiments_stand_in_the_order_in_which_runs_first_name_them() -> None:
    pairs = [("sticky", "zone-outage"), ("distributed", "none"), ("decoupled", "zone-outage"),
             ("sticky", "none"), ("distributed", "cache-flush")]  # fmt: skip
    drawn = grid([a_run(*pair) for pair in pairs], lambda run: "")
    assert [name for name, _ in drawn.rows] == ["sticky", "distributed", "decoupled"]
    assert [name for name, _ in drawn.columns] == ["zone-outage", "none", "cache-flush"]


def test_a_pair_without_a_run_has_an_empty_cell() -> None:
    drawn = grid([a_run("sticky", "none"), a_run("distributed", "cache-flush")], lambda run: "")
    empty = drawn.rows[0][1][1]
    assert (empty.below, empty.outcome, empty.links, empty.heats) == ("no run", "unknown", (), ())


def test_a_pair_that_no_run_can_fill_says_why_even_where_a_whole_column_is_empty() -> None:
    why = {("sticky", "queue-throttling"): "throttle: nothing to break"}
    drawn = grid([a_run("sticky", "none")], lambda run: "", why)
    assert drawn.columns[1] == ("queue-throttling", "")
    assert drawn.rows[0][1][1].below == "throttle: nothing to break"


def test_the_step_of_colour_follows_the_share_and_the_number_stands_beside_it() -> None:
    runs = [a_run("sticky", "none"), a_run("sticky", "instance-kill"),
            a_run("distributed", "cache-flush")]  # fmt: skip
    drawn = grid(runs, lambda run: run.folder.name)
    (none, kill, _), (_, _, flush) = (cells for _, cells in drawn.rows)
    sessions = [cell.heats[0] for cell in (none, kill, flush)]
    assert [heat.counted for heat in sessions] == ["0 of 240", "80 of 240", "240 of 240"]
    assert [heat.text for heat in sessions] == ["0 %", "33.3 %", "100 %"]
    assert [heat.step for heat in sessions] == ["0", "5", str(STEPS)]
    assert kill.links == (("report", "sticky-instance-kill"),)
