"""Thresholds measured: the value of each, and whether it held.

A threshold whose operations never appeared is broken, not passed. With a window, the condition
must hold in every whole window that has operations (moved by one bin); the value is that of the
worst one. One that ended the drill (`abortOnFail`) is broken. Traffic without footing is unknown;
lost and stale are facts of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from statedrill.check.aggregate import PartitionResult
from statedrill.check.checks.lost_writes import LostWrites
from statedrill.check.checks.stale_reads import StaleReads
from statedrill.check.context import CheckContext
from statedrill.check.metrics.traffic import WINDOWED, Measure, Traffic
from statedrill.check.numeric.histogram import buckets, middle_ns
from statedrill.check.numeric.quantile import quantile_bucket
from statedrill.inputs.thresholds import Threshold
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN

_COUNTED_BY = {"lost": LostWrites.name, "stale": StaleReads.name}
_QUANTILES = {"min": 0.0, "med": 0.5, "max": 1.0}


def judge_thresholds(
    total: PartitionResult, traffic: Traffic, context: CheckContext, firm: bool, audited: bool
) -> list[dict[str, Any]]:
    """The key "thresholds" of the verdict. `firm`: the drill had footing; `audited`: the losses
    are known.
    """
    return [
        _entry(threshold, measure, total, context, audited if threshold.about_state else firm)
        for threshold, measure in zip(context.thresholds, traffic.measures, strict=True)
    ]


def _entry(
    threshold: Threshold,
    measure: Measure,
    total: PartitionResult,
    context: CheckContext,
    known: bool,
) -> dict[str, Any]:
    aborted = dict(context.aborted)
    if threshold.text in aborted:
        told = f"the drill was ended when it measured {aborted[threshold.text]:.6g}"
        return {
            "threshold": threshold.text,
            "outcome": BROKEN,
            "value": aborted[threshold.text],
            "evidence": told,
        }
    if threshold.about_state:
        value: float | None = float(total.counts[threshold.aggregate])
        known = known or threshold.aggregate != "lost"
        if crash := total.crashes.get(_COUNTED_BY[threshold.aggregate]):
            return {
                "threshold": threshold.text,
                "outcome": UNKNOWN,
                "value": None,
                "evidence": crash.sentence,
            }
    elif measure.n == 0:
        value = None
    elif threshold.window_s is None:
        value = _value(threshold, measure)
    else:
        value = _worst_window(threshold, measure, context)
    outcome = HELD if value is not None and threshold.holds(value) else BROKEN
    if value is not None and not known:
        # more losses can only come to light: what is broken already stays broken
        facts = threshold.about_state and outcome == BROKEN
        outcome = BROKEN if facts else UNKNOWN
    entry = {"threshold": threshold.text, "outcome": outcome, "value": value}
    if value is None:
        matched = "nothing that matched succeeded" if measure.n else "no operation matched"
        entry["evidence"] = f"{matched}: a metric that never appeared has not passed"
    return entry


def _value(threshold: Threshold, measure: Measure) -> float | None:
    if threshold.aggregate == "count":
        return float(measure.n)
    if threshold.aggregate == "rate":
        return measure.failed / measure.n
    if measure.latency.n == 0:
        return None
    if threshold.aggregate == "avg":
        return measure.latency.mean_ms()
    if threshold.aggregate == "min":
        return measure.latency.least_ns / 1e6
    return measure.latency.quantile_ms(_share(threshold))


def _share(threshold: Threshold) -> float:
    return _QUANTILES[threshold.aggregate] if threshold.quantile is None else threshold.quantile


def _worst_window(threshold: Threshold, measure: Measure, context: CheckContext) -> float | None:
    per_bin = measure.per_bin
    if per_bin is None or threshold.window_s is None:
        return None
    used = np.flatnonzero(per_bin.sum(axis=1))
    per_bin = per_bin[used[0] : used[-1] + 1].astype(np.int64)
    wide = max(1, min(len(per_bin), round(threshold.window_s * 1e9 / context.bin_ns)))
    running = np.concatenate([np.zeros((1, per_bin.shape[1]), np.int64), np.cumsum(per_bin, 0)])
    windows = running[wide:] - running[:-wide]
    values = [
        value
        for value in (_window_value(threshold, window) for window in windows)
        if value is not None
    ]
    failing = [value for value in values if not threshold.holds(value)]
    return _farthest(threshold, failing or values)


def _window_value(threshold: Threshold, window: Any) -> float | None:
    shape, failed = window[:-1], int(window[-1])
    served = int(shape.sum())
    if threshold.aggregate == "count":
        return float(served + failed)
    if threshold.aggregate == "rate":
        return failed / (served + failed) if served + failed else None
    if not served:
        return None
    if threshold.aggregate == "avg":
        middles = middle_ns(np.arange(buckets(WINDOWED)), WINDOWED)
        return float((shape * middles).sum() / served / 1e6)
    bucket = quantile_bucket(shape, _share(threshold))
    return float(middle_ns(bucket, WINDOWED)) / 1e6


def _farthest(threshold: Threshold, values: Sequence[float]) -> float | None:
    if not values:
        return None
    low = threshold.comparison in (">", ">=")
    value = min(values) if low else max(values)
    return round(value, 6)
