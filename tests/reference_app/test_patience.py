from __future__ import annotations

from reference_app.model.wait_limit import LEAST_S, STEP_S, TIMES_VISIBILITY, Patience


def looks(patience: Patience, count: int, step_s: float, start_s: float = 0.0) -> float:
    now_s = start_s
    for _ in range(count):
        patience.see(["w"], now_s)
        now_s += step_s
    return now_s


def test_a_write_is_overdue_after_several_visibility_timeouts_and_not_before() -> None:
    patience = Patience(visibility_s=30)
    now_s = looks(patience, int(TIMES_VISIBILITY * 30 / 0.1), 0.1)
    assert patience.overdue() == frozenset()
    looks(patience, 5, 0.1, now_s)
    assert patience.overdue() == {"w"}


def test_time_in_which_the_process_was_frozen_does_not_count() -> None:
    patience = Patience(visibility_s=1)
    looks(patience, 2, 3600.0)
    assert patience.overdue() == frozenset()
    looks(patience, int(LEAST_S / STEP_S) + 2, 3600.0, 7200.0)
    assert patience.overdue() == {"w"}


def test_waiting_begins_anew_after_the_database_was_away() -> None:
    patience = Patience(visibility_s=1)
    looks(patience, 200, 0.1)
    assert patience.overdue() == {"w"}
    patience.forget()
    looks(patience, 2, 0.1, 100.0)
    assert patience.overdue() == frozenset()


def test_what_is_applied_is_forgotten() -> None:
    patience = Patience(visibility_s=1)
    looks(patience, 200, 0.1)
    patience.done(["w"])
    assert patience.overdue() == frozenset()
