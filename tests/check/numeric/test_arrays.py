"""Array idioms against plain loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from statedrill.check.numeric.arrays import (
    NEVER,
    mask_of,
    places_of,
    run_numbers,
    stretch_numbers,
    suffix_min,
)
from statedrill.check.numeric.stable_sort import dense, sorted_with, stable_order

NUMBERS = st.lists(st.integers(0, 2**40), max_size=30)


@given(NUMBERS)
def test_the_least_from_each_place_on(numbers: list[int]) -> None:
    values = np.array(numbers, dtype=np.int64)
    expected = [min(numbers[place:], default=NEVER) for place in range(len(numbers) + 1)]
    assert suffix_min(values).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=12))
def test_the_places_of_stretches_and_whose_they_are(stretches: list[tuple[int, int]]) -> None:
    starts, lengths = (
        np.array([each[part] for each in stretches], dtype=np.int64) for part in (0, 1)
    )
    places = [start + more for start, length in stretches for more in range(length)]
    numbers = [number for number, (_, length) in enumerate(stretches) for _ in range(length)]
    assert places_of(starts, lengths).tolist() == places
    assert stretch_numbers(lengths).tolist() == numbers


def test_runs_are_numbered_over_all_columns() -> None:
    columns = (np.array([4, 4, 4, 7, 7]), np.array([1, 1, 2, 2, 2]))
    assert run_numbers(*columns).tolist() == [0, 0, 1, 2, 2]
    assert run_numbers(np.zeros(0)).tolist() == []


def test_a_mask_is_true_at_its_rows() -> None:
    assert mask_of(np.array([1, 3, 3]), 5).tolist() == [False, True, False, True, False]


@given(NUMBERS)
def test_an_order_is_stable_and_numbers_are_dense(numbers: list[int]) -> None:
    key = np.array(numbers, dtype=np.int64)
    expected = sorted(range(len(numbers)), key=lambda place: numbers[place])
    assert stable_order(key).tolist() == expected
    ranks = {value: rank for rank, value in enumerate(sorted(set(numbers)))}
    assert dense(key).tolist() == [ranks[value] for value in numbers]
    in_order, places = sorted_with(key, np.arange(len(key)))
    assert (in_order.tolist(), places.tolist()) == (sorted(numbers), expected)
