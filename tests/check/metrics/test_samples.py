from __future__ import annotations

from typing import Any

import pytest

from statedrill.check import judge
from statedrill.check.metrics.record import PhaseMeasures
from statedrill.vocabulary import Outcome
from tests.check.drill_builder import BASELINE, FAULT, SETTLE, events, plan, users
from tests.check.history_builder import MS, PREFERENCES, START, HistoryBuilder


def sample(at: int, processes: dict[str, Any] | None = None, **services: Any) -> Any:
    return {"t": START + at * MS, "event": "sample", "cpu_ms": 5.0, "services": services,
            "processes": processes or {}}  # fmt: skip


def every_second(of: Any) -> list[Any]:
    """The sample that `of` gives for each second of the load."""
    return [of(at) for at in range(BASELINE, SETTLE, 1000)]


def measured(samples: list[Any], builder: HistoryBuilder | None = None) -> dict[str, PhaseMeasures]:
    history = (builder or users()).history(events(also=samples))
    return judge(history, plan())["measures"]


def test_a_record_without_samples_measures_nothing() -> None:
    verdict = judge(users().history(events()), plan())
    assert "measures" not in verdict
    assert "samples" not in verdict["series"]


def test_the_hit_rate_is_that_of_the_lookups_within_the_phase() -> None:
    def counted(at: int) -> Any:
        hits = at if at <= FAULT else FAULT + (at - FAULT) // 4
        return sample(at, cache={"node": "cache-1", "hits": hits, "misses": at - hits})

    found = measured(every_second(counted))
    assert (found["baseline"]["hit_rate"], found["fault"]["hit_rate"]) == (1.0, 0.25)


def test_a_primary_that_began_anew_is_not_compared_with_the_one_before() -> None:
    def counted(at: int) -> Any:
        if at < FAULT:
            return sample(at, cache={"node": "cache-1", "hits": 9 * at, "misses": at})
        return sample(at, cache={"node": "cache-2", "hits": 0, "misses": at - FAULT})

    found = measured(every_second(counted))
    assert (found["baseline"]["hit_rate"], found["fault"]["hit_rate"]) == (0.9, 0.0)


def test_the_deepest_moment_of_each_queue_is_told() -> None:
    depths = {3000: {"orders": 7, "updates": 1}, 4000: {"orders": 2, "updates": 5}}
    found = measured(every_second(
        lambda at: sample(at, queue={"depths": depths.get(at, {"orders": 0, "updates": 0})})
    ))  # fmt: skip
    assert found["baseline"]["queue_depth_max"] == {"orders": 7, "updates": 5}
    assert found["fault"]["queue_depth_max"] == {"orders": 0, "updates": 0}


def test_dead_letters_are_counted_apart_and_do_not_age_the_queue() -> None:
    builder = HistoryBuilder()
    builder.write(0, PREFERENCES, 2, ver=1, outcome=Outcome.ACCEPTED)
    letters = {3000: {"orders": 1}, 4000: {"orders": 2}}
    found = measured(every_second(
        lambda at: sample(at, queue={
            "depths": {"orders": 0}, "dead_letters": letters.get(at, {"orders": 0})
        })
    ), builder)  # fmt: skip
    assert found["baseline"]["dead_letters_max"] == {"orders": 2}
    assert found["fault"]["dead_letters_max"] == {"orders": 0}
    assert found["baseline"]["queue_depth_max"] == {"orders": 0}
    assert found["baseline"]["queue_age_s_max"] == 0.0


def test_the_oldest_of_d_messages_is_at_least_as_old_as_the_dth_last_write() -> None:
    """A write is accepted every second; at 9.9 s ten, five or no messages wait."""
    builder = HistoryBuilder()
    for number in range(10):
        builder.write(number * 1000, PREFERENCES, number + 2, ver=number + 1,
                      outcome=Outcome.ACCEPTED)  # fmt: skip
    ages = {}
    for depth in (0, 1, 5, 10, 99):
        found = measured([sample(9900, queue={"depths": {"orders": depth}})], builder)
        ages[depth] = found["baseline"]["queue_age_s_max"]
    # the write at 9.0 s came in the bin that ends at 9.5 s
    assert ages == {0: 0.0, 1: 0.4, 5: 4.4, 10: 9.4, 99: 9.4}


def test_a_replica_is_behind_in_bytes_and_since_the_primary_was_where_it_is() -> None:
    """The primary writes 100 bytes a second; at 7 s the replica has what there was at 4.5 s."""

    def positions(at: int) -> Any:
        applied = 450 if at == 7000 else at // 10
        return sample(at, database={"node": "database-1", "replica": "database-2",
                                    "written": at // 10, "applied": applied})  # fmt: skip

    found = measured(every_second(positions))["baseline"]
    assert found["lag_bytes_max"] == {"database": 250}
    assert found["lag_s_max"] == {"database": 2.5}


def test_each_read_replica_is_behind_by_itself() -> None:
    def positions(at: int) -> Any:
        applied = {"database-replica-1": at // 10, "database-replica-2": max(0, at - 2000) // 10}
        return sample(at, database={"node": "database-1", "written": at // 10,
                                    "applied": at // 10, "read_replicas": applied})  # fmt: skip

    found = measured(every_second(positions))["baseline"]
    assert found["lag_bytes_max"] == {
        "database": 0, "database-replica-1": 0, "database-replica-2": 200
    }  # fmt: skip
    assert found["lag_s_max"]["database-replica-2"] == 2.0


def test_the_time_behind_of_an_idle_primary_counts_from_its_next_change() -> None:
    writes = {0: 100, 1000: 100, 2000: 100, 3000: 200}
    found = measured([
        sample(at, cache={"node": "cache-1", "written": written, "applied": 100})
        for at, written in writes.items()
    ])  # fmt: skip
    assert found["baseline"]["lag_s_max"] == {"cache": 1.0}


def test_processor_time_is_counted_for_a_thousand_operations_that_succeeded() -> None:
    """Ten operations a second; two processes use 0.05 s each in a second: 10 s for 1,000."""
    found = measured(every_second(lambda at: sample(at, {
        name: {"pid": 7, "cpu_s": 3 + at / 20_000, "memory_mib": 50.0} for name in "ab"
    })))  # fmt: skip
    assert found["baseline"]["cpu_s_per_1000"] == pytest.approx(10.0, rel=0.03)
    assert found["baseline"]["memory_mib"] == 100.0


def test_a_process_that_is_new_or_restarted_counts_from_its_start() -> None:
    def used(at: int) -> Any:
        old = {"pid": 1, "cpu_s": 9.0, "memory_mib": 1.0}
        again = {"pid": 2, "cpu_s": 0.5, "memory_mib": 1.0}
        new = {"b": {"pid": 3, "cpu_s": 0.25, "memory_mib": 1.0}} if at >= FAULT + 2000 else {}
        return sample(at, {"a": old if at < FAULT + 2000 else again, **new})

    builder = users()
    found = measured(every_second(used), builder)
    assert "cpu_s_per_1000" not in found["baseline"]
    assert found["fault"]["cpu_s_per_1000"] == pytest.approx(7.5, rel=0.01)


def test_what_sampling_cost_is_told() -> None:
    assert measured(every_second(sample))["baseline"]["sampler_cpu_pct"] == 0.5


def test_the_course_is_in_the_series_with_gaps_where_nothing_answered() -> None:
    samples = [sample(1000, cache={"node": "c", "hits": 1, "misses": 1}), sample(2000),
               sample(3000, cache={"node": "c", "hits": 3, "misses": 1})]  # fmt: skip
    series = judge(users().history(events(also=samples)), plan())["series"]["samples"]
    assert series["t_s"] == [1.0, 2.0, 3.0]
    assert series["hits"] == [None, None, None]
    assert series["lag_s"] == series["depth"] == {}
