"""What every array algorithm of the judge shares: the array type, its two marks for "nothing", and
short idioms over runs and stretches. Knows nothing of histories.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

NONE = -1
"""The number of a row, value or version that is not there."""
NEVER = int(np.iinfo("i8").max)
"""A moment or key later than all others."""


def mask_of(rows: Array, size: int) -> Array:
    """A bool array of length `size` that is true at `rows`."""
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask


def suffix_min(values: Array) -> Array:
    """For each place the least of `values` from there on (int64); one place more, which is NEVER.

    So that `suffix_min(values)[np.searchsorted(key, wanted)]` answers "the least value of all whose
    sorted key is at least `wanted`", also where there is none.
    """
    return np.append(np.minimum.accumulate(values[::-1])[::-1], NEVER)


def run_starts(*columns: Array) -> Array:
    """Where a run of equal rows begins, over columns that are sorted together; bool per row."""
    starts = np.zeros(len(columns[0]), dtype=bool)
    starts[:1] = True
    for column in columns:
        starts[1:] |= column[1:] != column[:-1]
    return starts


def run_numbers(*columns: Array) -> Array:
    """The number of the run (0, 1, 2, …) that each row belongs to; see `run_starts`."""
    return np.cumsum(run_starts(*columns), dtype=np.int64) - 1


def places_of(starts: Array, lengths: Array) -> Array:
    """The places of several stretches of a flat array, one stretch after another."""
    offsets = np.cumsum(lengths) - lengths
    places: Array = np.arange(int(lengths.sum())) + np.repeat(starts - offsets, lengths)
    return places


def stretch_numbers(lengths: Array) -> Array:
    """For each place of several stretches the number of its stretch; see `places_of`."""
    return np.repeat(np.arange(len(lengths)), lengths)
