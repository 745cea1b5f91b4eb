"""Stable orders of integer keys, by digits of 16 bits, which numpy sorts in linear time.

Knows arrays only; nothing of histories.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.numeric.arrays import Array

_DIGIT = 16
_MASK = (1 << _DIGIT) - 1


def stable_order(key: Array) -> Array:
    """The permutation that sorts `key` (int64, >= 0) and keeps equal keys in their order."""
    order = np.arange(len(key), dtype=np.int64)
    if len(key) == 0:
        return order
    greatest = int(key.max())
    for shift in range(0, max(greatest.bit_length(), 1), _DIGIT):
        digit = ((key >> shift) & _MASK).astype(np.uint16)
        order = order[np.argsort(digit[order], kind="stable")]
    return order


def dense(codes: Array) -> Array:
    """Numbers 0, 1, 2… in the order of `codes` (unsigned integers), equal for equal codes."""
    if len(codes) == 0:
        return np.zeros(0, dtype=np.int64)
    greatest = int(codes.max())
    if greatest > 4 * len(codes) + (1 << _DIGIT):
        return np.unique(codes, return_inverse=True)[1].astype(np.int64)
    present = np.zeros(greatest + 1, dtype=bool)
    present[codes] = True
    return (np.cumsum(present, dtype=np.int64) - 1)[codes]


def sorted_with(key: Array, *others: Array) -> tuple[Array, ...]:
    """`key` in rising order and `others` along with it; costs nothing where it is in order."""
    if len(key) < 2 or bool((key[1:] >= key[:-1]).all()):
        return (key, *others)
    order = np.argsort(key, kind="stable")
    return (key[order], *(other[order] for other in others))
