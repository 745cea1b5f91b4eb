"""One definition of a quantile, for single values and for tables of counts."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statedrill.check.numeric.quantile import nearest_rank, quantile_bucket

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=12)
PERCENT = st.integers(0, 100)


@given(COUNTS, PERCENT)
def test_at_least_the_share_of_all_is_not_above_the_quantile(counts: list[int], pct: int) -> None:
    values = [bucket for bucket, count in enumerate(counts) for _ in range(count)]
    found = int(quantile_bucket(np.array(counts), pct / 100))
    expected = values[max(1, ceil(pct * len(values) / 100)) - 1] if values else len(counts)
    assert found == expected


@given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), max_size=5), PERCENT)
def test_rows_of_a_table_are_measured_each_alone(table: list[list[int]], pct: int) -> None:
    counts = np.array(table, dtype=np.int64).reshape(-1, 4)
    alone = [int(quantile_bucket(row, pct / 100)) for row in counts]
    assert quantile_bucket(counts, pct / 100).tolist() == alone


@pytest.mark.parametrize(("share", "n", "rank"), [(0.07, 100, 7), (0.5, 1, 1), (0.0, 9, 1)])
def test_a_rank_is_exact_though_the_share_is_no_binary_fraction(
    share: float, n: int, rank: int
) -> None:
    assert int(nearest_rank(share, n)) == rank
