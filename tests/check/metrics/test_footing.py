from __future__ import annotations

from typing import Any

import pytest

from statedrill.vocabulary import Outcome
from tests.check.drill_builder import FAULT, fail, load, plan, users, verdict
from tests.check.history_builder import MS, START


def footing(**more: Any) -> dict[str, Any]:
    builder = more.pop("builder", None) or users()
    made = plan()
    made["load"] |= more.pop("planned", {"planned_rate": 10.0})
    return dict(verdict(builder, made, load=load(**more))["footing"])


def test_footing_holds_when_the_planned_load_was_really_there() -> None:
    assert footing() == {
        "outcome": "held", "planned_rate": 10.0, "achieved_rate": 10.0, "success_ratio": 1.0,
        "schedule_lag_ms_p99": 2.0, "schedule_lag_bound_ms": 250.0, "cpu_pct": 20.0, "dropped": 0,
        "why": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"planned": {"planned_rate": 10.6}}, "reached 10.0 of 10.6 planned"),
        ({"planned": {"planned_rate": None}, "planned_rate": None}, "are not on record"),
        ({"lag_ms_max": 400.0}, "400 ms behind its schedule"),
        ({"cpu_pct": 97.0}, "97 % busy"),
        ({"dropped": 3}, "dropped 90 arrivals"),
    ],
)
def test_footing_is_lost_with_a_reason(more: dict[str, Any], reason: str) -> None:
    found = footing(**more)
    assert found["outcome"] == "unknown"
    assert reason in found["why"][0]


ARRIVALS = {"planned_arrivals": 4.0, "arrived": 4, "waited": 0, "ended": 3, "session_s": 5.0}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"users": 20}, ""),
        ({"users": 19}, "the pool of 19 users lacks about 1 for these arrivals"),
        ({"users": 40, "waited": 1}, "25.0% of the baseline's arrivals found no free user"),
    ],
)
def test_arrivals_need_enough_users(more: dict[str, Any], reason: str) -> None:
    found = footing(**(ARRIVALS | more))
    assert found["outcome"] == ("unknown" if reason else "held")
    assert reason in " ".join(found["why"])


def test_a_load_process_cannot_help_out_another() -> None:
    lines = [*load(5.0, **ARRIVALS, users=40), *load(5.0, **ARRIVALS, users=10, worker=1)]
    found = verdict(users(), plan(), load=lines)["footing"]
    assert (found["pool_users"], found["pool_users_lacking"]) == (50, 10)


def test_what_dead_addresses_cost_is_told_and_is_no_reason_against_the_load() -> None:
    cost = {"dead_addresses": 3, "dead_addresses_s": 0.75}
    lines = [*load(5.0, **cost), *load(5.0, **cost, worker=1)]
    found = verdict(users(), plan(), load=lines)["footing"]
    assert (found["dead_addresses"], found["dead_addresses_s"]) == (6, 1.5)
    assert found["outcome"] == "held"


def test_the_planned_rate_of_several_load_processes_is_their_sum() -> None:
    lines = [*load(rate=4.0), *load(rate=6.0, worker=1)]
    made = plan()
    made["load"]["planned_rate"] = None
    seen = verdict(users(), made, load=lines)["footing"]
    assert (seen["planned_rate"], seen["outcome"]) == (10.0, "held")


def rising(*rates: float) -> list[dict[str, Any]]:
    """The open model: what is planned in each five seconds of the baseline."""
    steps = [rate for rate in rates for _ in range(5)]
    every = [*steps, *steps[-1:] * 20]
    return [
        {**line, **ARRIVALS, "users": 40, "planned_rate": rate}
        for line, rate in zip(load(), every, strict=True)
    ]


@pytest.mark.parametrize(
    ("rates", "pace_s", "planned_rate", "reason"),
    [
        # 10.0 operations a second came; 12.0 and 12.1 are planned on average, less a pace before.
        ((10.5, 13.5), 5.0, 12.0, ""),
        ((10.6, 13.6), 5.0, 12.1, "the baseline reached 10.0 of 10.6 planned operations"),
        ((10.5, 13.5), 1.0, 12.0, "the baseline reached 10.0 of 11.8 planned operations"),
        ((13.5, 7.5), 5.0, 10.5, ""),  # a plan that falls is not held against what is planned now
        ((10.5, 13.5), 12.0, 12.0, "the baseline reached 10.0 of 12.0"),  # no line so early
    ],
)
def test_in_the_open_model_an_operation_may_come_a_pace_after_it_was_planned(
    rates: tuple[float, ...], pace_s: float, planned_rate: float, reason: str
) -> None:
    made = plan() | {"load": {"planned_rate": None, "pace_s": pace_s, "arrivals": "uniform"}}
    found = verdict(users(), made, load=rising(*rates))["footing"]
    assert (found["planned_rate"], found["achieved_rate"]) == (planned_rate, 10.0)
    assert found["why"] == [] if not reason else found["why"][0].startswith(reason)


def test_each_load_process_may_be_a_pace_late() -> None:
    """What is planned a pace earlier is the sum over all of them, as what is planned now."""
    made = plan() | {"load": {"planned_rate": None, "pace_s": 5.0, "arrivals": "uniform"}}
    lines = [*rising(6.5, 8.0), *({**line, "worker": 1} for line in rising(4.0, 5.5))]
    found = verdict(users(), made, load=lines)["footing"]
    assert (found["planned_rate"], found["why"]) == (12.0, [])


def test_footing_is_lost_when_the_baseline_failed() -> None:
    builder = users()
    fail(builder, 2_000, 2_200)
    assert "of the baseline's operations succeeded" in footing(builder=builder)["why"][0]


def test_what_the_fault_struck_in_flight_says_nothing_against_the_baseline() -> None:
    builder = users()
    last = [row for row in builder.rows if row["call"] < START + FAULT * MS][-5:]
    for row in last:
        row.update(outcome=Outcome.UNKNOWN, status=502, ret=START + FAULT * MS + MS)
    found = footing(builder=builder)
    assert (found["success_ratio"], found["achieved_rate"], found["why"]) == (1.0, 10.0, [])
    for row in last:
        row["ret"] = START + FAULT * MS - MS
    assert footing(builder=builder)["success_ratio"] < 1


def test_the_lag_behind_intended_starts_is_exact_where_they_are_known() -> None:
    builder = users()
    for row in builder.rows:
        row["due"] = row["call"] - 30 * MS
    assert footing(builder=builder)["schedule_lag_ms_p99"] == pytest.approx(30, rel=1e-3)
    seen = verdict(builder)
    assert seen["latency_ms"]["baseline"]["p50"] == pytest.approx(32, rel=1e-3)
    assert seen["service_ms"]["baseline"]["p50"] == pytest.approx(2, rel=1e-3)
