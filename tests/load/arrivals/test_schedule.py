from __future__ import annotations

import itertools
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statedrill.inputs.arrival_rate import POISSON, UNIFORM
from statedrill.load import shapes
from statedrill.load.arrivals.schedule import due_times, share_of


@pytest.mark.parametrize("rate", [0.3, 1.0, 7.0, 40.0, 333.0])
def test_uniform_arrivals_are_evenly_spaced_from_the_first_moment_on(rate: float) -> None:
    times = list(due_times(lambda _: rate, UNIFORM, seed=0, until_s=30.0))
    assert times == pytest.approx([number / rate for number in range(len(times))], abs=1e-6)
    assert len(times) == pytest.approx(30 * rate, abs=1)


def test_poisson_arrivals_have_the_rate_and_the_spread_of_one() -> None:
    times = list(due_times(lambda _: 100.0, POISSON, seed=3, until_s=200.0))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(times) == pytest.approx(20_000, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(0.01, rel=0.05)
    assert min(gaps) >= 0


def test_the_seed_decides_poisson_arrivals() -> None:
    def first(seed: int) -> list[float]:
        return list(itertools.islice(due_times(lambda _: 9.0, POISSON, seed), 50))

    assert first(7) == first(7)
    assert first(7) != first(8)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([UNIFORM, POISSON]),
    st.integers(1, 5),
    st.floats(0.5, 80.0),
    st.integers(0, 1000),
)
def test_workers_share_a_plan_without_gap_or_overlap(
    kind: str, workers: int, rate: float, seed: int
) -> None:
    def plan() -> list[float]:
        return list(due_times(lambda _: rate, kind, seed, until_s=10.0))

    shares = [list(share_of(iter(plan()), worker, workers)) for worker in range(workers)]
    assert sorted(itertools.chain.from_iterable(shares)) == plan()
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([UNIFORM, POISSON]), st.floats(0.1, 300.0))
def test_arrivals_never_go_back_in_time(kind: str, rate: float) -> None:
    times = list(due_times(lambda at_s: rate * (at_s % 2), kind, 1, until_s=8.0))
    assert times == sorted(times)
    assert all(0 <= each < 8.0 for each in times)


def test_a_rate_that_changes_gives_as_many_arrivals_as_its_integral() -> None:
    def rate(at_s: float) -> float:
        return 60 * shapes.ramp(at_s, 20.0)

    times = list(due_times(rate, UNIFORM, 0, until_s=20.0))
    # a tenth to all of it in 10 s, then level: 10 * 60 * 0.55 + 10 * 60
    assert len(times) == pytest.approx(930, abs=2)
    assert sum(each < 10 for each in times) == pytest.approx(330, abs=2)


def test_a_rate_of_nothing_gives_nothing_and_ends() -> None:
    assert list(due_times(lambda _: 0.0, UNIFORM, 0, until_s=5.0)) == []
