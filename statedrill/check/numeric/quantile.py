"""Quantiles by nearest rank (`statedrill.quantile`) of arrays, and of counts per bucket.

Knows nothing of histories.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.numeric.arrays import Array
from statedrill.quantile import ROUNDING


def nearest_rank(share: float, n: Array | int) -> Array:
    """The rank (1 … n) of the quantile `share` among `n` sorted values; 1 where `n` is 0."""
    return np.maximum(1, np.ceil(share * np.asarray(n) - ROUNDING)).astype(np.int64)


def quantile_bucket(counts: Array, share: float) -> Array:
    """The number of the bucket in which the quantile lies; `counts` has a bucket per place of its
    last axis. Where nothing was counted, a number past the last bucket.
    """
    running = np.cumsum(counts, axis=-1, dtype=np.int64)
    rank = nearest_rank(share, running[..., -1])
    bucket: Array = (running < rank[..., None]).sum(axis=-1)
    return bucket
