from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statedrill.load import shapes
from statedrill.load.profiles.planned_course import PlannedCourse


def test_users_come_at_the_spawn_rate_and_then_stay() -> None:
    course = PlannedCourse(lambda _: 20.0, end_s=60.0, change_per_s=10.0)
    assert course.total_until(2.0) == pytest.approx(20.0, abs=1.0)
    assert course.total_until(3.0) == pytest.approx(20.0)


def test_users_leave_at_the_spawn_rate_too() -> None:
    course = PlannedCourse(lambda at_s: 20.0 if at_s < 10 else 10.0, 60.0, change_per_s=10.0)
    course.total_until(10.0)
    assert course.total_until(11.0) == pytest.approx(15.0, abs=1.0)
    assert course.total_until(12.0) == pytest.approx(10.0, abs=0.1)


def test_arrivals_change_at_once() -> None:
    course = PlannedCourse(lambda at_s: 60 * shapes.spike(at_s, 10.0), 60.0)
    assert course.total_until(4.0) == pytest.approx(48.0, abs=3.0)
    assert course.total_until(5.0) == pytest.approx(60.0)


def test_nothing_is_planned_before_the_start() -> None:
    course = PlannedCourse(lambda _: 8.0, end_s=4.0)
    assert course.total_until(-0.25) == 0
    assert course.total_until(0.5) == pytest.approx(4.0)


def test_nothing_is_planned_after_the_end() -> None:
    course = PlannedCourse(lambda _: 8.0, end_s=4.0)
    assert course.total_until(5.0) == pytest.approx(32.0, abs=0.5)
    assert course.total_until(6.0) == 0
    stopped = PlannedCourse(lambda _: 8.0, end_s=60.0)
    stopped.total_until(1.0)
    stopped.end(1.5)
    assert stopped.total_until(2.0) == pytest.approx(4.0, abs=0.5)
    assert stopped.total_until(3.0) == 0


@settings(deadline=None)
@given(st.lists(st.floats(0.05, 5.0), min_size=1, max_size=8))
def test_stretches_add_up_to_the_whole(stretches_s: list[float]) -> None:
    def profile(at_s: float) -> float:
        return 100 * shapes.diurnal(at_s, 20.0)

    course, whole = PlannedCourse(profile, 60.0, 30.0), PlannedCourse(profile, 60.0, 30.0)
    at_s = total = 0.0
    for stretch_s in stretches_s:
        at_s += stretch_s
        total += course.total_until(at_s)
    assert total == pytest.approx(whole.total_until(at_s), rel=0.02, abs=2.0)
