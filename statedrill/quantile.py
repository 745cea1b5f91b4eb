"""The one definition of a quantile: the nearest rank.

The q-quantile of n values is the smallest one that at least a share q of all do not exceed: the
value of rank ceil(q n) in ascending order, and of rank 1 for q = 0 (Hyndman and Fan, Sample
Quantiles in Statistical Packages, 1996, type 1). It is always a value that was measured. Pure; the
standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

# 0.07 * 100 is 7.000000000000001: a product of floats must not push a rank up.
ROUNDING = 1e-9


def nearest_rank(count: int, share: float) -> int:
    """The rank, from 1 to `count`, of the quantile `share` (0 to 1) of `count` values."""
    return max(1, math.ceil(share * count - ROUNDING))


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The quantile `share` of values in ascending order; None when there are none."""
    return ordered[nearest_rank(len(ordered), share) - 1] if ordered else None
