from __future__ import annotations

import numpy as np
import pytest

from statedrill.check.numeric.histogram import COARSE, FINE, Histogram, buckets


@pytest.mark.parametrize("precision", [FINE, COARSE])
def test_quantiles_keep_their_digits_and_merge(precision: int) -> None:
    dice = np.random.default_rng(1)
    ns = np.exp(dice.normal(15, 2, 20_000)).astype(np.int64)
    both = Histogram.of(ns[:7_000], precision) + Histogram.of(ns[7_000:], precision)
    assert both.n == 20_000
    assert both.counts.tolist() == Histogram.of(ns, precision).counts.tolist()
    for share in (0.01, 0.5, 0.95, 0.999):
        exact = np.quantile(ns, share, method="inverted_cdf") / 1e6
        assert both.quantile_ms(share) == pytest.approx(exact, rel=2.0**-precision)
    assert both.quantile_ms(1.0) == ns.max() / 1e6
    assert both.mean_ms() == pytest.approx(ns.mean() / 1e6)


def test_durations_out_of_range_stay_in_the_outermost_buckets() -> None:
    both = Histogram.of(np.array([0, 1, 10**15]))
    assert both.counts.sum() == 3
    assert (both.counts[0], both.counts[-1]) == (2, 1)
    assert len(both.counts) == buckets(FINE)
    assert both.quantile_ms(1.0) == 1e9
    assert Histogram.of(np.zeros(0, dtype=np.int64)).summary() == {}
