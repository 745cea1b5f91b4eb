"""Latencies counted in buckets: three significant digits, mergeable by addition, vectorised.

The idea is HdrHistogram's: buckets of equal relative width. A bucket is the exponent and the
leading bits of the float64 mantissa, so that filing a million values is two numpy calls. Exact
minimum, maximum and sum are kept beside it. Knows nothing of operations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.numeric.arrays import Array
from statedrill.check.numeric.quantile import nearest_rank, quantile_bucket

_FLOOR_BITS = 10  # the shortest that is distinguished: 2**10 ns, about a microsecond
_CEILING_BITS = 42  # the longest: 2**42 ns, about 73 minutes
_MANTISSA = 52
FINE = 10  # 2**10 buckets per doubling: error below 0.05 %
COARSE = 5  # error below 1.6 %


def buckets(precision: int) -> int:
    """How many buckets there are with 2**`precision` per doubling."""
    return ((_CEILING_BITS - _FLOOR_BITS) << precision) + 1


def bucket(ns: Array, precision: int) -> Array:
    """The bucket of each duration in nanoseconds; those out of range go to the outermost one."""
    bits = np.maximum(ns, 1 << _FLOOR_BITS).astype(np.float64).view(np.int64)
    found: Array = (bits >> (_MANTISSA - precision)) - _base(precision)
    return np.minimum(found, buckets(precision) - 1)


def middle_ns(number: Array | int, precision: int) -> Array:
    """The middle of each bucket, in nanoseconds."""
    low = (np.asarray(number, dtype=np.int64) + _base(precision)) << (_MANTISSA - precision)
    return (low + (1 << (_MANTISSA - precision - 1))).view(np.float64)


def _base(precision: int) -> int:
    exponent = 1023 + _FLOOR_BITS
    return exponent << precision


@dataclass
class Histogram:
    """Counts per bucket, with exact extremes and sum (nanoseconds)."""

    precision: int
    counts: Array
    least_ns: int
    most_ns: int
    sum_ns: int

    @classmethod
    def of(cls, ns: Array, precision: int = FINE) -> Histogram:
        """The histogram of the durations `ns`."""
        size = buckets(precision)
        if len(ns) == 0:
            return cls(precision, np.zeros(size, dtype=np.int64), 2**63 - 1, 0, 0)
        counts = np.bincount(bucket(ns, precision), minlength=size)
        return cls(precision, counts, int(ns.min()), int(ns.max()), int(ns.sum()))

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(
            self.precision,
            self.counts + other.counts,
            min(self.least_ns, other.least_ns),
            max(self.most_ns, other.most_ns),
            self.sum_ns + other.sum_ns,
        )

    @property
    def n(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())

    def quantile_ms(self, share: float) -> float | None:
        """The least value such that `share` of all are not above it (nearest rank), in ms."""
        n = self.n
        if n == 0:
            return None
        if nearest_rank(share, n) == n:
            return self.most_ns / 1e6
        value = float(middle_ns(quantile_bucket(self.counts, share), self.precision))
        return min(max(value, self.least_ns), self.most_ns) / 1e6

    def mean_ms(self) -> float | None:
        """The exact mean in milliseconds."""
        return self.sum_ns / self.n / 1e6 if self.n else None

    def summary(self) -> dict[str, float | int]:
        """n, p50, p95, p99, p999 and max in milliseconds; empty where nothing was counted."""
        if self.n == 0:
            return {}
        quantiles = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999, "max": 1.0}
        figures: dict[str, float | int] = {"n": self.n}
        for name, share in quantiles.items():
            figures[name] = round(self.quantile_ms(share) or 0.0, 3)
        return figures
