from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statedrill.load.recording.latency_histogram import LatencyHistogram

S = 1_000_000_000


def test_a_distribution_keeps_three_digits_and_its_greatest_value_exactly() -> None:
    made = LatencyHistogram()
    values = [n * 1_000_000 for n in range(1, 1001)]
    made.add([*values, 123_456_789_123])
    assert made.percentile_ms(50) == pytest.approx(501, rel=0.001)
    assert made.percentile_ms(99) == pytest.approx(991, rel=0.001)
    assert made.percentile_ms(100) == made.max_ns / 1e6 == 123_456.789123
    assert made.count == 1001


def test_a_duration_beyond_an_hour_is_counted_and_not_dropped() -> None:
    made = LatencyHistogram()
    made.add([1_000_000, 10_000 * S])
    assert (made.count, made.beyond) == (2, 1)
    assert made.percentile_ms(100) == 10_000_000.0
    assert made.percentile_ms(99) == 10_000_000.0


@given(st.lists(st.lists(st.integers(0, 10**10), max_size=60), min_size=1, max_size=4))
def test_merged_distributions_are_the_distribution_of_all(parts: list[list[int]]) -> None:
    whole, merged = LatencyHistogram(), LatencyHistogram()
    for part in parts:
        whole.add(part)
        one = LatencyHistogram()
        one.add(part)
        merged.merge(LatencyHistogram.decode(one.encode()))
    everything = [each for part in parts for each in part]
    assert merged.count == whole.count == len(everything)
    assert merged.max_ns == max(everything, default=0)
    for percent in (1, 50, 99, 100):
        assert merged.percentile_ms(percent) == whole.percentile_ms(percent)


@given(st.lists(st.integers(2_000_000, 10**11), min_size=1), st.sampled_from([50, 90, 99, 99.9]))
def test_a_percentile_of_a_distribution_is_right_to_three_digits(
    values: list[int], percent: float
) -> None:
    made = LatencyHistogram()
    made.add(values)
    rank = max(1, math.ceil(percent / 100 * len(values) - 1e-9))
    exact_ms = sorted(values)[rank - 1] / 1e6
    assert made.percentile_ms(percent) == pytest.approx(exact_ms, rel=0.0021)


def test_an_empty_distribution_says_so() -> None:
    assert LatencyHistogram().percentile_ms(50) is None
    assert LatencyHistogram().sentence() == "nothing was measured"
