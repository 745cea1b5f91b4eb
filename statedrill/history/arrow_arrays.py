"""The values in Arrow's arrays as numpy arrays, read from Arrow's own buffers.

Arrow's conversion imports pandas, a quarter of a second. Knows arrays; knows no column.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from statedrill.history.columns import Array


def numbers(array: pa.Array, dtype: np.dtype[Any]) -> Array:
    """The values of an array of numbers without nulls."""
    buffer = array.buffers()[1]
    if buffer is None or len(array) == 0:
        return np.zeros(0, dtype=dtype)
    return np.frombuffer(
        buffer, dtype=dtype, count=len(array), offset=array.offset * dtype.itemsize
    )


def list_values(array: pa.ListArray, ids: np.dtype[Any]) -> Array:
    """The values of all lists, one by one, but for those behind a list that is not there."""
    if len(array) == 0:
        return np.zeros(0, dtype=ids)
    if (list_lengths(array)[~is_there(array)] > 0).any():
        # Nobody writes such lists on purpose; Arrow's own way costs an import of 60 ms.
        return numbers(array.flatten(), ids)
    bounds = numbers(array.offsets, np.dtype("i4"))
    return numbers(array.values, ids)[bounds[0] : bounds[-1]]


def is_there(array: pa.Array) -> Array:
    """Whether each value is there: false for a null."""
    bitmap = array.buffers()[0]
    if bitmap is None:
        return np.ones(len(array), dtype=bool)
    bits = np.unpackbits(np.frombuffer(bitmap, dtype=np.uint8), bitorder="little")
    return bits[array.offset : array.offset + len(array)].astype(bool)


def list_lengths(array: pa.ListArray) -> Array:
    """The length of each list."""
    # Arrow leaves out the offsets of an empty array
    bounds = numbers(array.offsets, np.dtype("i4")) if len(array) else np.zeros(1, dtype="i4")
    return np.diff(bounds).astype(np.int64)
