"""What the arrays of a table are: per row, per value, or numbers of rows and values.

A field says so in its type, and `select` derives from it how the field is cut down to some
objects: a new field that says nothing is refused, not kept at full length. Knows no field by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from statedrill.check.numeric.arrays import NONE, Array, run_numbers

T = TypeVar("T")


@dataclass(frozen=True)
class Selection:
    """Some objects of a table, and the new numbers of what belongs to them.

    `rows` are the old numbers of their rows, `values` those of their values: rows first, then the
    initial value of each object. `new_number` gives the new number of every old one (NONE: not
    selected); its last place answers for NONE.
    """

    rows: Array
    values: Array
    new_number: Array

    @classmethod
    def of(cls, object_of: Array, objects: Array) -> Selection:
        """The selection of `objects` (bool per object); `object_of` has each row's object."""
        size = len(object_of)
        rows = np.flatnonzero(objects[object_of])
        values = np.concatenate([rows, size + np.flatnonzero(objects)])
        new_number = np.full(size + len(objects) + 1, NONE, dtype=np.int64)
        new_number[values] = np.arange(len(values))
        return cls(rows, values, new_number)


Cut = Callable[[Any, Selection], Any]


def _rows(values: Array, chosen: Selection) -> Array:
    return values[chosen.rows]


def _columns(columns: dict[str, Array], chosen: Selection) -> dict[str, Array]:
    return {name: values[chosen.rows] for name, values in columns.items()}


def _groups(numbers: Array, chosen: Selection) -> Array:
    return run_numbers(numbers[chosen.rows])


def _references(numbers: Array, chosen: Selection) -> Array:
    return chosen.new_number[numbers[chosen.rows]]


def _values(values: Array, chosen: Selection) -> Array:
    return values[chosen.values]


def _whole(value: T, chosen: Selection) -> T:
    return value


PerRow = Annotated[Array, _rows]
"""One entry per row."""
Columns = Annotated[dict[str, Array], _columns]
"""Arrays with one entry per row, by name."""
GroupOfRow = Annotated[Array, _groups]
"""Per row the number of its group (0, 1, 2, …); rows of one group are neighbours."""
RowOrValue = Annotated[Array, _references]
"""Per row the number of a row or value of the same object, or NONE."""
PerValue = Annotated[Array, _values]
"""One entry per value: per row first, then per object for its initial value."""
Whole = Annotated[T, _whole]
"""Nothing that is counted by rows."""


def select(table: T, chosen: Selection) -> T:
    """`table` (a dataclass whose fields are declared with the types above) cut down to `chosen`."""
    kind: Any = type(table)
    changes = {name: cut(getattr(table, name), chosen) for name, cut in _cuts(kind).items()}
    return replace(table, **changes)  # type: ignore[type-var]


@cache
def _cuts(table: type[Any]) -> dict[str, Cut]:
    hints = get_type_hints(table, include_extras=True)
    cuts = {}
    for field in fields(table):
        if field.init:
            hint = hints[field.name]
            if get_origin(hint) is not Annotated:
                raise TypeError(f"{table.__name__}.{field.name} does not say what it is counted by")
            cuts[field.name] = get_args(hint)[1]
    return cuts
