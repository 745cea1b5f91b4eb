"""Observations cut down to some of the objects: the same ticks, other numbers of rows.

Rows are numbered from 0 again, so everything that names a row or an object is translated; each
field says itself how (`fields`).
"""

from __future__ import annotations

from dataclasses import replace

from statedrill.check.index.fields import Selection, select
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import Array


def select_objects(obs: Observations, objects: Array) -> tuple[Observations, Array]:
    """`obs` with only the `objects` (bool per object), and the row in `obs` of each of its rows."""
    chosen = Selection.of(obs.table.object_of, objects)
    smaller = replace(
        select(obs, chosen), table=select(obs.table, chosen), lists=obs.lists.select(chosen)
    )
    return smaller, chosen.rows
