"""A table says of each of its fields what it is counted by; the cut to some objects follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from statedrill.check.index.fields import (
    Columns,
    GroupOfRow,
    PerRow,
    PerValue,
    RowOrValue,
    Selection,
    Whole,
    select,
)
from statedrill.check.numeric.arrays import NONE, Array

OBJECT_OF = np.array([0, 0, 1, 2, 2])
FIRST_AND_LAST = np.array([True, False, True])


@dataclass
class Table:
    name: Whole[str]
    time: PerRow
    columns: Columns
    object_of: GroupOfRow
    shows: RowOrValue
    seen: PerValue


@dataclass
class Undeclared:
    time: PerRow
    forgotten: Array


def test_everything_is_cut_by_what_it_says_of_itself() -> None:
    table = Table(
        name="sample",
        time=np.array([10, 20, 30, 40, 50]),
        columns={"kind": np.array([0, 1, 0, 1, 0])},
        object_of=OBJECT_OF,
        # the row before; nothing; its object's initial value; the row itself; the row before
        shows=np.array([NONE, 0, 6, 3, 3]),
        seen=np.array([1, 2, 3, 4, 5, 60, 61, 62]),
    )
    cut = select(table, Selection.of(OBJECT_OF, FIRST_AND_LAST))
    assert cut.name == "sample"
    assert cut.time.tolist() == [10, 20, 40, 50]
    assert cut.columns["kind"].tolist() == [0, 1, 1, 0]
    assert cut.object_of.tolist() == [0, 0, 1, 1]
    assert cut.shows.tolist() == [NONE, 0, 2, 2]
    assert cut.seen.tolist() == [1, 2, 4, 5, 60, 62]
    assert table.time.tolist() == [10, 20, 30, 40, 50]


def test_the_initial_value_of_an_object_keeps_its_object() -> None:
    table = Table("", OBJECT_OF, {}, OBJECT_OF, np.array([5, 5, 6, 7, 7]), np.arange(8))
    cut = select(table, Selection.of(OBJECT_OF, FIRST_AND_LAST))
    assert cut.shows.tolist() == [4, 4, 5, 5]


def test_a_field_that_says_nothing_is_refused_instead_of_kept_at_full_length() -> None:
    table = Undeclared(OBJECT_OF, OBJECT_OF)
    with pytest.raises(TypeError, match="forgotten does not say what it is counted by"):
        select(table, Selection.of(OBJECT_OF, FIRST_AND_LAST))
