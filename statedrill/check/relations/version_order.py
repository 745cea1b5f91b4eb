"""Versioned objects: every applied write adds one to the object's version.

Key 2·ver for a write and 2·ver+1 for a read: linearizable iff no a, b have key(a) > key(b) and
ret(a) < call(b). The version is the suspect's own testimony, so it is cross-examined with the ids;
`register_zones` judges the ids alone.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NONE, Array, run_starts, suffix_min


def outdated_rows(obs: Observations) -> tuple[Array, Array]:
    """Rows that show an older version than one that had returned before their call.

    Returns the rows, and for each, as a tick, the earliest return of a newer version.
    """
    table = obs.table
    rows = np.flatnonzero(obs.observed_version != NONE)
    write = obs.may_apply[rows]
    order_key = 2 * obs.observed_version[rows] + ~write
    width = int(order_key.max(initial=0)).bit_length()
    packed = (table.object_of[rows] << width) | order_key
    rows, packed = _out_of_order(table.object_of, rows, packed)
    if len(rows) == 0:
        return rows, rows
    order = np.argsort(packed, kind="stable")
    rows, packed = rows[order], packed[order]
    ends = np.where(obs.may_apply[rows], table.effect_end[rows], table.ret[rows])
    earliest = suffix_min(table.key(table.object_of[rows], ends))
    newer = earliest[np.searchsorted(packed, packed, side="right")]
    outdated = newer < table.key(table.object_of[rows], table.call[rows])
    return rows[outdated], table.tick_of(newer[outdated])


def shared_versions(obs: Observations, rows: Array, survivor: Array) -> Array:
    """Of the writes `rows` that share object and version, all but one: the one in the mask
    `survivor` is kept, else the latest.
    """
    object_of, version = obs.table.object_of[rows], obs.write_version[rows]
    width = int(version.max(initial=0)).bit_length()
    packed = (object_of << width) | version
    if bool((packed[1:] > packed[:-1]).all()):
        return rows[:0]  # versions rise from write to write
    order = np.lexsort((rows, survivor[rows], version, object_of))
    starts = run_starts(object_of[order], version[order])
    shared: Array = rows[order[:-1][~starts[1:]]]
    return shared


def _out_of_order(object_of: Array, rows: Array, packed: Array) -> tuple[Array, Array]:
    """Only the rows of objects whose versions ever fall in the order of the calls.

    Where ret(a) < call(b), a comes first: an object whose versions never fall breaks nothing.
    """
    falls = np.flatnonzero(packed[1:] < packed[:-1]) + 1
    if len(falls) == 0:
        return rows[:0], packed[:0]
    suspects = np.zeros(int(object_of[-1]) + 1, dtype=bool)
    suspects[object_of[rows[falls]]] = True
    chosen = suspects[object_of[rows]]
    return rows[chosen], packed[chosen]
