from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statedrill.load.arrivals.pace import Pace
from statedrill.load.load_process import STRIDE

S = 1_000_000_000


def test_a_user_starts_one_operation_per_pace_from_start_to_start() -> None:
    pace = Pace(1.0, session=5)
    first = pace.next(100 * S)
    assert 100 * S < first <= 101 * S
    assert [pace.next(first + S // 3 + n * S) for n in range(3)] == [
        first + S, first + 2 * S, first + 3 * S,
    ]  # fmt: skip


def test_being_late_by_less_than_a_pace_keeps_the_grid() -> None:
    pace = Pace(1.0, session=5)
    first = pace.next(100 * S)
    assert pace.next(first + S + S // 2) == first + S  # in the past: start at once
    assert pace.next(first + S + S * 3 // 4) == first + 2 * S


def test_starts_that_were_missed_are_not_caught_up_on() -> None:
    pace = Pace(1.0, session=5)
    first = pace.next(100 * S)
    late = first + 5 * S + S // 2
    assert pace.next(late) == first + 5 * S
    assert pace.next(late) == first + 6 * S


def test_users_lie_evenly_on_the_clock_and_keep_their_phase() -> None:
    phases = sorted((Pace(1.0, session).next(50 * S) - 50 * S) for session in range(1, 101))
    gaps = [later - earlier for earlier, later in itertools.pairwise(phases)]
    assert max(gaps) < 3 * S / 100
    assert Pace(1.0, 7).next(50 * S) % S == Pace(1.0, 7).next(93 * S) % S


@pytest.mark.parametrize("processes", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("users", [3, 8, 22, 60, 240])
def test_users_of_several_load_processes_lie_evenly_on_the_clock(
    processes: int, users: int
) -> None:
    numbers = [1 + each + STRIDE * user for each in range(processes) for user in range(users)]
    phases = sorted(Pace(1.0, number).next(50 * S) - 50 * S for number in numbers)
    gaps = [later - earlier for earlier, later in itertools.pairwise([*phases, phases[0] + S])]
    assert max(gaps) < 3 * S / len(numbers)


def test_without_a_pace_every_start_is_now() -> None:
    assert Pace(0.0, 1).next(42) == 42


def test_a_session_that_is_due_starts_its_pace_there() -> None:
    pace = Pace.starting(1.0, 100 * S)
    assert pace.next(100 * S + 7) == 100 * S
    assert pace.next(100 * S + S // 2) == 101 * S


@given(st.lists(st.integers(0, 20 * S), min_size=1, max_size=50))
def test_intended_starts_never_go_back(steps: list[int]) -> None:
    pace, now, before = Pace(0.5, 3), 10 * S, 0
    for step in steps:
        slot = pace.next(now)
        assert slot > before
        before, now = slot, max(now, slot) + step


def test_the_operations_that_were_to_start_are_counted_with_those_left_out() -> None:
    pace = Pace.starting(1.0, 100 * S)
    pace.next(100 * S)
    assert pace.passed == 1
    pace.next(104 * S + S // 2)
    assert pace.passed == 4
