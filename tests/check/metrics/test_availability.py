from __future__ import annotations

import pytest

from tests.check.drill_builder import fail, plan, users, verdict
from tests.check.history_builder import MS, START


def test_without_a_failure_the_service_was_there_all_the_time() -> None:
    seen = verdict(users(), plan(None))
    assert seen["availability"] == {
        "ratio": 1.0, "outage_s": 0.0, "longest_outage_s": 0.0, "degraded_s": 0.0,
    }  # fmt: skip
    assert seen["recovery"]["rto_availability_s"] is None


def test_an_outage_lasts_from_the_first_to_the_last_failing_bin() -> None:
    builder = users()
    failed = fail(builder, 10_000, 13_000)
    seen = verdict(builder)
    assert seen["availability"]["ratio"] == pytest.approx(1 - failed / 200)
    assert seen["availability"]["outage_s"] == seen["availability"]["degraded_s"] == 3.0
    assert seen["recovery"]["rto_availability_s"] == 3.0


def test_a_part_that_fails_degrades_but_is_no_outage() -> None:
    builder = users()
    fail(builder, 10_000, 13_000, sessions=2)
    seen = verdict(builder)
    assert seen["availability"]["outage_s"] == 0.0
    assert seen["availability"]["degraded_s"] == 1.5
    assert seen["recovery"]["rto_availability_s"] == 2.5


def test_two_outages_are_summed_and_the_longest_is_told() -> None:
    builder = users()
    fail(builder, 10_000, 11_000)
    fail(builder, 14_000, 16_500)
    seen = verdict(builder)
    assert seen["availability"]["outage_s"] == 3.5
    assert seen["availability"]["longest_outage_s"] == 2.5
    assert seen["recovery"]["rto_availability_s"] == 6.5


def test_who_never_recovers_has_no_recovery_time() -> None:
    builder = users()
    fail(builder, 12_000, 31_000)
    assert verdict(builder)["recovery"]["rto_availability_s"] is None


def test_slow_answers_are_not_recovered_either() -> None:
    builder = users()
    for row in builder.rows:
        if START + 10_000 * MS <= row["call"] < START + 12_000 * MS:
            row["ret"] = row["call"] + 400 * MS
    seen = verdict(builder)
    assert seen["availability"]["degraded_s"] == 0.0
    assert seen["recovery"]["rto_availability_s"] == 2.0


def test_while_everybody_waits_and_nobody_calls_the_outage_goes_on() -> None:
    builder = users()
    fail(builder, 10_000, 11_000)
    builder.rows = [
        row for row in builder.rows if not 11_000 <= (row["call"] - START) / MS < 14_000
    ]
    assert verdict(builder)["availability"]["outage_s"] == 4.0
