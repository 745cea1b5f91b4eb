from __future__ import annotations

from reference_app.model.wait_limit import (
    LEAST_LIMIT_S,
    LONGEST_STEP_S,
    VISIBILITY_TIMEOUTS,
    WaitLimit,
)


def observe(wait_limit: WaitLimit, count: int, step_s: float, start_s: float = 0.0) -> float:
    now_s = start_s
    for _ in range(count):
        wait_limit.observe(["w"], now_s)
        now_s += step_s
    return now_s


def test_a_write_is_overdue_after_several_visibility_timeouts_and_not_before() -> None:
    wait_limit = WaitLimit(visibility_s=30)
    now_s = observe(wait_limit, int(VISIBILITY_TIMEOUTS * 30 / 0.1), 0.1)
    assert wait_limit.overdue() == frozenset()
    observe(wait_limit, 5, 0.1, now_s)
    assert wait_limit.overdue() == {"w"}


def test_time_in_which_the_process_was_frozen_does_not_count() -> None:
    wait_limit = WaitLimit(visibility_s=1)
    observe(wait_limit, 2, 3600.0)
    assert wait_limit.overdue() == frozenset()
    observe(wait_limit, int(LEAST_LIMIT_S / LONGEST_STEP_S) + 2, 3600.0, 7200.0)
    assert wait_limit.overdue() == {"w"}


def test_waiting_starts_again_after_the_database_was_away() -> None:
    wait_limit = WaitLimit(visibility_s=1)
    observe(wait_limit, 200, 0.1)
    assert wait_limit.overdue() == {"w"}
    wait_limit.reset()
    observe(wait_limit, 2, 0.1, 100.0)
    assert wait_limit.overdue() == frozenset()


def test_what_is_applied_is_forgotten() -> None:
    wait_limit = WaitLimit(visibility_s=1)
    observe(wait_limit, 200, 0.1)
    wait_limit.applied(["w"])
    assert wait_limit.overdue() == frozenset()
