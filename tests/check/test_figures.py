"""Availability, recovery, footing, latency and intervals: the figures beside the findings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from statedrill.check.metrics.recovery import median_survival
from statedrill.check.numeric.bootstrap import interval
from statedrill.check.numeric.histogram import COARSE, FINE, Histogram, buckets
from statedrill.vocabulary import Outcome
from tests.check.drill_builder import FAULT, fail, forget, load, plan, users, verdict
from tests.check.history_builder import MS, PREFERENCES, START, Story

SECOND = 1_000_000_000


# availability


def test_without_a_failure_the_service_was_there_all_the_time() -> None:
    seen = verdict(users(), plan(None))
    assert seen["availability"] == {
        "ratio": 1.0, "outage_s": 0.0, "longest_outage_s": 0.0, "degraded_s": 0.0,
    }  # fmt: skip
    assert seen["recovery"]["rto_availability_s"] is None


def test_an_outage_lasts_from_the_first_to_the_last_failing_bin() -> None:
    story = users()
    failed = fail(story, 10_000, 13_000)
    seen = verdict(story)
    assert seen["availability"]["ratio"] == pytest.approx(1 - failed / 200)
    assert seen["availability"]["outage_s"] == seen["availability"]["degraded_s"] == 3.0
    assert seen["recovery"]["rto_availability_s"] == 3.0


def test_a_part_that_fails_degrades_but_is_no_outage() -> None:
    story = users()
    fail(story, 10_000, 13_000, sessions=2)
    seen = verdict(story)
    assert seen["availability"]["outage_s"] == 0.0
    assert seen["availability"]["degraded_s"] == 1.5
    assert seen["recovery"]["rto_availability_s"] == 2.5


def test_two_outages_are_summed_and_the_longest_is_told() -> None:
    story = users()
    fail(story, 10_000, 11_000)
    fail(story, 14_000, 16_500)
    seen = verdict(story)
    assert seen["availability"]["outage_s"] == 3.5
    assert seen["availability"]["longest_outage_s"] == 2.5
    assert seen["recovery"]["rto_availability_s"] == 6.5


def test_who_never_recovers_has_no_recovery_time() -> None:
    story = users()
    fail(story, 12_000, 31_000)
    assert verdict(story)["recovery"]["rto_availability_s"] is None


def test_slow_answers_are_not_recovered_either() -> None:
    story = users()
    for row in story.rows:
        if START + 10_000 * MS <= row["call"] < START + 12_000 * MS:
            row["ret"] = row["call"] + 400 * MS
    seen = verdict(story)
    assert seen["availability"]["degraded_s"] == 0.0
    assert seen["recovery"]["rto_availability_s"] == 2.0


def test_while_everybody_waits_and_nobody_calls_the_outage_goes_on() -> None:
    story = users()
    fail(story, 10_000, 11_000)
    story.rows = [row for row in story.rows if not 11_000 <= (row["call"] - START) / MS < 14_000]
    assert verdict(story)["availability"]["outage_s"] == 4.0


# recovery


def test_the_recovery_point_is_the_earliest_confirmation_that_was_lost() -> None:
    story = users()
    forget(story, 1)
    recovery = verdict(story)["recovery"]
    first = min(row["ret"] for row in story.rows if row["session"] == 1 and row["kind"] == 1)
    assert recovery["rpo_s"] == pytest.approx(FAULT / 1000 - (first - START) / SECOND)
    assert recovery["rpo_writes"] == 15
    assert recovery["lost_after_fault"] == 10
    assert recovery["rto_state_s"] is None
    assert recovery["loss_rate_below"] is None


def test_no_loss_is_a_bound_on_the_rate_not_a_proof() -> None:
    recovery = verdict(users())["recovery"]
    assert (recovery["rpo_s"], recovery["rpo_writes"]) == (0.0, 0)
    assert recovery["exposed_writes"] == 50
    assert recovery["loss_rate_below"] == pytest.approx(3 / 50)
    assert recovery["rto_state_s"] == 0.0


def test_state_has_recovered_after_the_last_bad_read() -> None:
    story = users()
    bad = [row for row in story.rows if row["kind"] == 0 and row["session"] == 4]
    bad[6]["read_wid"], bad[6]["ver"] = 2, 1
    seen = verdict(story)
    assert seen["guarantees"]["read_your_writes"]["violations"] == 1
    expected = (bad[6]["call"] - START) / SECOND - FAULT / 1000
    assert seen["recovery"]["rto_state_s"] == pytest.approx(expected)


def test_sessions_that_never_worked_again_are_censored_not_dropped() -> None:
    story = users()
    fail(story, 10_000, 12_000, sessions=3)
    fail(story, 12_000, 40_000, sessions=1)
    sessions = verdict(story)["recovery"]["rto_sessions_s"]
    assert (sessions["affected"], sessions["censored"]) == (3, 1)
    assert sessions["p50"] == pytest.approx(2.2, abs=0.15)


@pytest.mark.parametrize(
    ("recovered", "censored", "median"),
    [([], [], None), ([], [5], None), ([3], [], 3), ([1, 2, 3, 4], [], 2),
     ([1, 9], [2, 3, 4], 9), ([1], [2, 3, 4], None), ([5, 5, 5], [1], 5)],
)  # fmt: skip
def test_the_median_of_recovery_counts_the_censored(
    recovered: list[int], censored: list[int], median: float | None
) -> None:
    assert median_survival(recovered, censored) == median


# footing


def footing(**more: Any) -> dict[str, Any]:
    story = more.pop("story", None) or users()
    made = plan()
    made["load"] = more.pop("planned", {"planned_rate": 10.0})
    return dict(verdict(story, made, load=load(**more))["footing"])


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
        ({"planned": {}, "planned_rate": None}, "are not on record"),
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


def test_the_planned_rate_of_several_load_processes_is_their_sum() -> None:
    lines = [*load(rate=4.0), *load(rate=6.0, worker=1)]
    made = plan()
    made["load"] = {"planned_rate": None}
    seen = verdict(users(), made, load=lines)["footing"]
    assert (seen["planned_rate"], seen["outcome"]) == (10.0, "held")


def test_footing_is_lost_when_the_baseline_failed() -> None:
    story = users()
    fail(story, 2_000, 2_200)
    assert "of the baseline's operations succeeded" in footing(story=story)["why"][0]


def test_what_the_fault_struck_in_flight_says_nothing_against_the_baseline() -> None:
    story = users()
    last = [row for row in story.rows if row["call"] < START + FAULT * MS][-5:]
    for row in last:
        row.update(outcome=Outcome.UNKNOWN, status=502, ret=START + FAULT * MS + MS)
    found = footing(story=story)
    assert (found["success_ratio"], found["achieved_rate"], found["why"]) == (1.0, 10.0, [])
    for row in last:
        row["ret"] = START + FAULT * MS - MS
    assert footing(story=story)["success_ratio"] < 1


def test_the_lag_behind_intended_starts_is_exact_where_they_are_known() -> None:
    story = users()
    for row in story.rows:
        row["due"] = row["call"] - 30 * MS
    assert footing(story=story)["schedule_lag_ms_p99"] == pytest.approx(30, rel=1e-3)
    seen = verdict(story)
    assert seen["latency_ms"]["baseline"]["p50"] == pytest.approx(32, rel=1e-3)
    assert seen["service_ms"]["baseline"]["p50"] == pytest.approx(2, rel=1e-3)


# operations and latency


def test_operations_are_counted_by_name_over_the_load() -> None:
    story = users()
    fail(story, 10_000, 11_000)
    operations = verdict(story)["operations"]
    assert {name: row["n"] for name, row in operations.items()} == {"look": 140, "change": 160}
    reads = operations["look"]["errors"]
    assert operations["look"]["errors"] + operations["change"]["errors"] == 10
    assert operations["look"]["unknown"] + operations["change"]["unknown"] == 10 - reads
    assert operations["look"]["p50"] == pytest.approx(2.0, rel=1e-3)


def test_latency_is_of_what_succeeded_with_errors_beside_it() -> None:
    story = users()
    for row in story.rows:
        if row["outcome"] == Outcome.OK and FAULT <= (row["call"] - START) / MS < FAULT + 1000:
            row["ret"] = row["call"] + 100 * MS
    fail(story, 11_000, 12_000)
    latency = verdict(story)["latency_ms"]
    assert (latency["fault"]["n"], latency["fault"]["errors"]) == (90, 10)
    assert latency["fault"]["max"] == 100.0
    assert latency["baseline"]["max"] == 2.0


@pytest.mark.parametrize("precision", [FINE, COARSE])
def test_quantiles_keep_their_digits_and_merge(precision: int) -> None:
    dice = np.random.default_rng(1)
    ns = np.exp(dice.normal(15, 2, 20_000)).astype(np.int64)
    both = Histogram.of(ns[:7_000], precision) + Histogram.of(ns[7_000:], precision)
    assert both.n == 20_000
    assert both.counts.tolist() == Histogram.of(ns, precision).counts.tolist()
    for share in (0.01, 0.5, 0.95, 0.999):
        exact = np.quantile(ns, share, method="inverted_cdf") / 1e6
        assert both.quantile_ms(share) == pytest.approx(exact, rel=2.0**-precision)
    assert both.quantile_ms(1.0) == ns.max() / 1e6
    assert both.mean_ms() == pytest.approx(ns.mean() / 1e6)


def test_durations_out_of_range_stay_in_the_outermost_buckets() -> None:
    both = Histogram.of(np.array([0, 1, 10**15]))
    assert both.counts.sum() == 3
    assert (both.counts[0], both.counts[-1]) == (2, 1)
    assert len(both.counts) == buckets(FINE)
    assert both.quantile_ms(1.0) == 1e9
    assert Histogram.of(np.zeros(0, dtype=np.int64)).summary() == {}


# intervals


def test_an_interval_holds_the_true_rate_about_nineteen_times_of_twenty() -> None:
    dice = np.random.default_rng(5)
    inside = 0
    for trial in range(200):
        broken = np.where(dice.random(80) < 0.3, dice.binomial(20, 0.5, 80), 0)
        table: dict[tuple[int, int], int] = {}
        for count in broken.tolist():
            table[20, count] = table.get((20, count), 0) + 1
        found = interval(table, seed=trial)
        assert found is not None
        inside += found[0] <= 0.15 <= found[1]
    assert 176 <= inside <= 199


def test_an_interval_is_the_same_every_time_and_honest_about_nothing_seen() -> None:
    table = {(10, 0): 30, (10, 3): 5}
    assert interval(table, 7) == interval(table, 7)
    assert interval({(10, 0): 30}, 7) == (0.0, 0.01)
    assert interval({(0, 0): 4}, 7) is None
    assert interval({}, 7) is None
    assert interval({(5, 5): 1}, 7) is None


# visibility


def test_the_share_of_reads_that_see_a_write_is_told_by_the_age_of_the_write() -> None:
    story = Story()
    story.write(0, PREFERENCES, 1, outcome=Outcome.ACCEPTED, took=1)
    story.read(4, PREFERENCES, 0, ver=0, took=1)
    story.read(5.5, PREFERENCES, 0, ver=0, took=1)
    story.read(8, PREFERENCES, 1, ver=1, took=1)
    story.read(30, PREFERENCES, 1, ver=1, took=1)
    assert story.verdict()["reads"]["visibility"] == [
        {"age_s": 0.005, "reads": 2, "seen": 0.0},
        {"age_s": 0.01, "reads": 1, "seen": 1.0},
        {"age_s": 0.05, "reads": 1, "seen": 1.0},
    ]
