"""The tables of a run's page: every row of the verdict's lists, written for a reader."""

from __future__ import annotations

from typing import Any

from statedrill.history.events import Event
from statedrill.report.run.tables import (
    checks_table,
    events_table,
    faults_table,
    footing_table,
    latency_table,
    operations_table,
    promise_table,
    thresholds_table,
)
from tests.report.reading import row_of
from tests.report.runs import sample_verdict, stored


def test_phases_stand_in_the_order_of_a_drill_and_unknown_ones_last() -> None:
    phases: Any = {"cooling": {"n": 1}, "fault": {"p50": 2.0}, "warmup": {}, "baseline": {"n": 3}}
    table = latency_table(phases, "Latency")
    assert [row[0].text for row in table.rows] == ["warmup", "baseline", "fault", "cooling"]
    assert row_of(table, "fault") == ["—", "—", "2 ms", "—", "—", "—", "—"]


def test_a_clause_that_is_not_promised_is_marked_so() -> None:
    table = promise_table(stored("sticky", "instance-kill"))
    assert row_of(table, "survives instance")[0] == "not promised"
    assert row_of(table, "read your writes")[0] == "promised"
    outcomes = {row[0].text: row[2].outcome for row in table.rows}
    assert (outcomes["survives instance"], outcomes["read your writes"]) == ("broken", "held")


def test_a_check_without_an_opportunity_was_not_tested() -> None:
    findings = sample_verdict()["findings"]
    findings[0] |= {"opportunities": 0, "outcome": "unknown"}
    assert row_of(checks_table(stored(findings=findings)), "leaks")[1:] == [
        "0", "not tested", "not tested", "not tested"]  # fmt: skip


def test_a_fault_without_proof_and_without_an_end_says_so() -> None:
    [fault] = sample_verdict()["faults"]
    table = faults_table(stored(faults=[fault | {"end_s": None, "proved": False, "proof": None}]))
    [row] = table.rows
    assert (row[3].text, row[3].note) == ("—", "no end recorded")
    assert (row[4].text, row[4].outcome) == ("there is no proof", "unknown")


def test_of_processes_only_their_deaths_are_shown_and_phases_not_at_all() -> None:
    process: Any = {"event": "process", "name": "web-1", "role": "web", "zone": "a", "pid": 7}
    events: list[Event] = [
        {"t": 10**9, "wall": 0.0, "event": "phase", "phase": "fault"},
        process | {"t": 2 * 10**9, "wall": 0.0, "state": "ready"},
        process | {"t": 3 * 10**9, "wall": 0.0, "state": "dead", "why": "signal 9"},
        {"t": 4 * 10**9, "wall": 0.0, "event": "load-silent", "worker": 1, "phase": "fault"},
    ]
    rows = [[cell.text for cell in row] for row in events_table(events).rows]
    assert rows == [
        ["2 s", "process", "name web-1, role web, zone a, state dead, why signal 9"],
        ["3 s", "load-silent", "worker 1, phase fault"],
    ]
    assert not events_table([])


def test_the_figures_of_the_footing_carry_their_units() -> None:
    table = footing_table(stored("sticky", "none")["footing"])
    footing = sample_verdict("sticky", "none")["footing"]
    assert row_of(table, "planned rate") == [f"{footing['planned_rate']:g} / s"]
    assert row_of(table, "cpu")[0].endswith(" %")
    assert "outcome" not in [row[0].text for row in table.rows]


def test_every_operation_and_threshold_of_the_verdict_has_its_row() -> None:
    verdict = sample_verdict()
    table = operations_table(stored("sticky", "instance-kill"))
    assert [row[0].text for row in table.rows] == list(verdict["operations"])
    assert row_of(table, "order")[0] == f"{verdict['operations']['order']['n']:,}"
    limits = [{"threshold": "lost<1", "outcome": "broken", "value": 1234.0},
              {"threshold": "p(99)<5", "outcome": "unknown", "value": None}]  # fmt: skip
    thresholds = thresholds_table(stored(thresholds=limits))
    assert [row[2].text for row in thresholds.rows] == ["1,234", "—"]
