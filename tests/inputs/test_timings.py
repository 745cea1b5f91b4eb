"""AWS's delays come from one table with two columns."""

from __future__ import annotations

import pytest

from statedrill.errors import InputError
from statedrill.inputs.timings import Timings


def test_both_columns_have_every_delay_and_fast_is_never_slower() -> None:
    aws, fast = Timings.named("aws").as_dict(), Timings.named("fast").as_dict()
    assert list(aws) == list(fast)
    assert all(fast[key] <= aws[key] for key in aws if key != "column")  # type: ignore[operator]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="no timings named 'slow'"):
        Timings.named("slow")
