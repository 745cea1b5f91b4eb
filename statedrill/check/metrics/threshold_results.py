"""Thresholds measured: the value of each, and whether it held.

A threshold whose operations never appeared is broken, not passed. With a window, the condition
must hold in every whole window that has operations (moved by one bin); the value is that of the
worst one. One that ended the drill (`abortOnFail`) is broken. Traffic without footing is unknown;
lost and stale are facts of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from statedrill.check.aggregate import PartitionResult
from statedrill.check.checks.lost_writes import LostWrites
from statedrill.check.checks.stale_reads import StaleReads
from statedrill.check.context import CheckContext
from statedrill.check.metrics.record import ThresholdResult
from statedrill.check.metrics.traffic import WINDOWED, Measure, Traffic
from statedrill.check.numeric.arrays import Array
from statedrill.check.numeric.histogram import buckets, middle_ns
from statedrill.check.numeric.quantile import quantile_bucket
from statedrill.inputs.thresholds import Threshold, measure
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN, VerdictOutcome

_COUNTED_BY = {"lost": LostWrites.name, "stale": StaleReads.name}


class Certainty(NamedTuple):
    """What is known of a drill: `footing`, whether the planned load was there; `audit`, whether the
    losses are known; `record`, whether it is whole, so that percentiles and ratios are the drill's.
    """

    footing: bool
    audit: bool
    record: bool


def judge_thresholds(
    total: PartitionResult, traffic: Traffic, context: CheckContext, certain: Certainty
) -> list[ThresholdResult]:
    """The key "thresholds" of the verdict."""
    return [
        _entry(threshold, matching, total, context, certain)
        for threshold, matching in zip(context.thresholds, traffic.measures, strict=True)
    ]


def _entry(
    threshold: Threshold,
    matching: Measure,
    total: PartitionResult,
    context: CheckContext,
    certain: Certainty,
) -> ThresholdResult:
    aborted = dict(context.aborted)
    if threshold.text in aborted:
        measured = aborted[threshold.text]
        return {
            "threshold": threshold.text,
            "outcome": BROKEN,
            "value": measured,
            "evidence": f"the drill was ended when it measured {measured:.6g}",
        }
    if threshold.about_state:
        value: float | None = float(total.counts[threshold.aggregate])
        if crash := total.crashes.get(_COUNTED_BY[threshold.aggregate]):
            return {
                "threshold": threshold.text,
                "outcome": UNKNOWN,
                "value": None,
                "evidence": crash.sentence,
            }
    elif matching.n == 0:
        value = None
    elif threshold.window_s is None:
        value = measure(threshold, _Samples(matching))
    else:
        value = _worst_window(threshold, matching, context)
    outcome: VerdictOutcome = HELD if value is not None and threshold.holds(value) else BROKEN
    if value is None:
        outcome = BROKEN if certain.record else UNKNOWN
    elif not _known(threshold, outcome, total, certain):
        outcome = UNKNOWN
    entry: ThresholdResult = {"threshold": threshold.text, "outcome": outcome, "value": value}
    if value is None:
        matched = "nothing that matched succeeded" if matching.n else "no operation matched"
        entry["evidence"] = f"{matched}: a metric that never appeared has not passed"
    return entry


def _known(threshold: Threshold, outcome: str, total: PartitionResult, certain: Certainty) -> bool:
    """Whether the rest of the record, or of the drill, could not change `outcome`."""
    if not threshold.about_state:
        return certain.footing and certain.record
    if outcome == BROKEN:
        return True  # more losses can only come to light
    if threshold.aggregate == "lost":
        return certain.audit
    return not total.by_check[StaleReads.name].undecided


def _worst_window(threshold: Threshold, matching: Measure, context: CheckContext) -> float | None:
    per_bin = matching.per_bin
    if per_bin is None or threshold.window_s is None:
        return None
    used = np.flatnonzero(per_bin.sum(axis=1))
    per_bin = per_bin[used[0] : used[-1] + 1].astype(np.int64)
    wide = max(1, min(len(per_bin), round(threshold.window_s * 1e9 / context.bin_ns)))
    running = np.concatenate([np.zeros((1, per_bin.shape[1]), np.int64), np.cumsum(per_bin, 0)])
    windows = running[wide:] - running[:-wide]
    values = [
        value
        for value in (measure(threshold, _Window(counts)) for counts in windows)
        if value is not None
    ]
    failing = [value for value in values if not threshold.holds(value)]
    return _farthest(threshold, failing or values)


@dataclass(frozen=True)
class _Samples:
    """All operations that match a threshold."""

    of: Measure

    @property
    def n(self) -> int:
        return self.of.n

    @property
    def failed(self) -> int:
        return self.of.failed

    def mean_ms(self) -> float | None:
        return self.of.latency.mean_ms()

    def quantile_ms(self, share: float) -> float | None:
        latency = self.of.latency
        return latency.least_ns / 1e6 if share == 0 and latency.n else latency.quantile_ms(share)


@dataclass(frozen=True)
class _Window:
    """Those of one window: buckets of latency of what succeeded, then how many failed."""

    counts: Array

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    @property
    def failed(self) -> int:
        return int(self.counts[-1])

    def mean_ms(self) -> float | None:
        served = self.n - self.failed
        middles = middle_ns(np.arange(buckets(WINDOWED)), WINDOWED)
        return float((self.counts[:-1] * middles).sum() / served / 1e6) if served else None

    def quantile_ms(self, share: float) -> float | None:
        if self.n == self.failed:
            return None
        return float(middle_ns(quantile_bucket(self.counts[:-1], share), WINDOWED)) / 1e6


def _farthest(threshold: Threshold, values: Sequence[float]) -> float | None:
    if not values:
        return None
    low = threshold.comparison in (">", ">=")
    value = min(values) if low else max(values)
    return round(value, 6)
