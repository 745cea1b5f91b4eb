"""What was measured beside the promise is shown by phase, and nothing where nothing was."""

from __future__ import annotations

from typing import Any

from statedrill.check.metrics.record import PhaseMeasures
from statedrill.report.measures import (
    MEASURES,
    before_and_after,
    before_and_greatest,
    measures_table,
)
from tests.report.runs import stored

MEASURED: dict[str, Any] = {
    "baseline": {"instances": 3, "sessions_cv_max": 0.031, "sessions_cv_end": 0.0},
    "fault": {"instances": 5, "sessions_cv_max": 0.8165, "sessions_cv_end": 0.8},
}


def test_each_figure_that_was_measured_has_a_row_and_a_phase_without_it_a_dash() -> None:
    rows = measures_table(stored(measures=MEASURED)).rows
    assert [[cell.text for cell in row[:4]] for row in rows] == [
        ["instances in service", "3", "5", "—"],
        ["imbalance of sessions, greatest", "0.03", "0.82", "—"],
        ["imbalance of sessions, in the end", "0.00", "0.80", "—"],
    ]
    assert all(row[4].text for row in rows)


def test_a_comparison_has_the_baseline_and_the_last_phase_that_was_measured() -> None:
    verdict = stored(measures=MEASURED)
    assert before_and_after(verdict, "sessions_cv_end") == "0.00 → 0.80"
    assert before_and_after(verdict, "requests_cv_end") == "—"


def test_what_is_counted_by_name_has_a_row_for_each_and_is_compared_by_the_greatest() -> None:
    measured = {
        "baseline": {"queue_depth_max": {"orders": 1, "updates": 4}},
        "fault": {"queue_depth_max": {"orders": 120, "updates": 3}},
        "recovery": {"queue_depth_max": {"orders": 2, "dead-letters": 5}},
    }
    verdict = stored(measures=measured)
    rows = [[cell.text for cell in row[:4]] for row in measures_table(verdict).rows]
    assert rows == [
        ["messages in the queue, most: orders", "1", "120", "2"],
        ["messages in the queue, most: updates", "4", "3", "—"],
        ["messages in the queue, most: dead-letters", "—", "—", "5"],
    ]
    assert before_and_greatest(verdict, "queue_depth_max") == "4 → 120"


def test_an_older_verdict_measured_nothing() -> None:
    verdict = stored()
    verdict.pop("measures", None)
    assert not measures_table(verdict)
    assert before_and_after(verdict, "instances") == "—"


def test_every_figure_of_the_record_has_a_name_and_a_meaning() -> None:
    assert {each.key for each in MEASURES} == set(PhaseMeasures.__annotations__)
