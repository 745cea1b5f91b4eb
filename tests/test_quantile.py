from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statedrill.quantile import nearest_rank, quantile


@pytest.mark.parametrize(
    ("count", "share", "rank"),
    [(1, 0.0, 1), (1, 1.0, 1), (2, 0.5, 1), (3, 0.5, 2), (100, 0.99, 99), (101, 0.99, 100)],
)
def test_the_rank_is_the_first_that_reaches_the_share(count: int, share: float, rank: int) -> None:
    assert nearest_rank(count, share) == rank


def test_a_rounding_error_of_the_product_does_not_push_the_rank_up() -> None:
    assert 0.07 * 100 > 7
    assert nearest_rank(100, 0.07) == 7


def test_no_values_have_no_quantile() -> None:
    assert quantile([], 0.5) is None


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(0, 1000))
def test_a_quantile_is_the_smallest_value_that_the_share_does_not_exceed(
    values: list[int], thousandths: int
) -> None:
    found = quantile(sorted(values), thousandths / 1000)
    reached = [v for v in values if 1000 * sum(w <= v for w in values) >= thousandths * len(values)]
    assert found == min(reached)
