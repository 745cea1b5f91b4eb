"""Quantiles by nearest rank: the least value such that at least a share of all are not above it.

One definition for all percentiles of the judge: of values and of counts per bucket. Knows nothing
of histories.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.numeric.arrays import Array

# A share like 0.07 is no exact binary fraction: 0.07 * 100 is 7.000000000000001, and its rank 7.
_ROUNDING = 1e-9


def nearest_rank(share: float, n: Array | int) -> Array:
    """The rank (1 … n) of the quantile `share` among `n` sorted values; 1 where `n` is 0."""
    return np.maximum(1, np.ceil(share * np.asarray(n) - _ROUNDING)).astype(np.int64)


def quantile_bucket(counts: Array, share: float) -> Array:
    """The number of the bucket in which the quantile lies; `counts` has a bucket per place of its
    last axis. Where nothing was counted, a number past the last bucket.
    """
    running = np.cumsum(counts, axis=-1, dtype=np.int64)
    rank = nearest_rank(share, running[..., -1])
    bucket: Array = (running < rank[..., None]).sum(axis=-1)
    return bucket
