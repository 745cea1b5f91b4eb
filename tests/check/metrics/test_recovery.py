from __future__ import annotations

import pytest

from statedrill.check.metrics.recovery import median_survival
from statedrill.vocabulary import Kind
from tests.check.drill_builder import FAULT, events, fail, forget, users, verdict
from tests.check.history_builder import MS, START

SECOND = 1_000_000_000


def test_the_recovery_point_is_the_earliest_confirmation_that_was_lost() -> None:
    builder = users()
    forget(builder, 1)
    recovery = verdict(builder)["recovery"]
    first = min(row["ret"] for row in builder.rows if row["session"] == 1 and row["kind"] == 1)
    assert recovery["rpo_s"] == pytest.approx(FAULT / 1000 - (first - START) / SECOND)
    assert recovery["rpo_writes"] == 15
    assert recovery["lost_after_fault"] == 10
    assert recovery["rto_state_s"] is None
    assert recovery["loss_rate_below"] is None


def test_what_was_lost_between_two_faults_was_lost_by_the_second_at_the_earliest() -> None:
    builder, lag, failover = users(), START + FAULT * MS, START + (FAULT + 4_000) * MS
    of_one = [row for row in builder.rows if row["session"] == 1]
    builder.rows = [row for row in builder.rows if row["session"] > 1 or row["call"] < failover]
    written = [row for row in of_one if row["kind"] == Kind.PUT]
    kept = [row for row in written if row["ret"] < lag][-1]
    lost = [row for row in written if lag <= row["ret"] < failover]
    builder.rows.append({**of_one[-1], "read_wid": kept["wid"], "ver": kept["ver"]})
    second = {"t": failover, "event": "fault-begin", "fault": "f2", "domain": "cache",
              "name": "test_failover", "targets": ["cache-1"]}  # fmt: skip
    recovery = verdict(builder, events=events(also=[second]))["recovery"]
    assert recovery["rpo_writes"] == len(lost) == 2
    assert recovery["rpo_s"] == pytest.approx((failover - lost[0]["ret"]) / SECOND)
    assert recovery["lost_after_fault"] == 0


def test_no_loss_is_a_bound_on_the_rate_not_a_proof() -> None:
    recovery = verdict(users())["recovery"]
    assert (recovery["rpo_s"], recovery["rpo_writes"]) == (0.0, 0)
    assert recovery["exposed_writes"] == 50
    assert recovery["loss_rate_below"] == pytest.approx(3 / 50)
    assert recovery["rto_state_s"] == 0.0


def test_state_has_recovered_after_the_last_bad_read() -> None:
    builder = users()
    bad = [row for row in builder.rows if row["kind"] == 0 and row["session"] == 4]
    bad[6]["read_wid"], bad[6]["ver"] = 2, 1
    seen = verdict(builder)
    assert seen["guarantees"]["read_your_writes"]["violations"] == 1
    expected = (bad[6]["call"] - START) / SECOND - FAULT / 1000
    assert seen["recovery"]["rto_state_s"] == pytest.approx(expected)


def test_sessions_that_never_worked_again_are_censored_not_dropped() -> None:
    builder = users()
    fail(builder, 10_000, 12_000, sessions=3)
    fail(builder, 12_000, 40_000, sessions=1)
    sessions = verdict(builder)["recovery"]["rto_sessions_s"]
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
