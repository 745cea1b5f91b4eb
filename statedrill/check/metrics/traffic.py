"""How the service answered: counts, latencies and the run's course in bins.

An operation succeeded iff its outcome is OK or ACCEPTED; latency is of what succeeded, errors are
counted beside it. *Latency* runs from the intended start (`due`) where there is one, *service
time* from the call. Phases of the load are all before the audit. Reads the columns of a part as
they are, and judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from statedrill.check.context import CheckContext
from statedrill.check.numeric.arrays import Array
from statedrill.check.numeric.histogram import COARSE, Histogram, bucket, buckets
from statedrill.history.columns import Names
from statedrill.history.store import Part
from statedrill.inputs.thresholds import Threshold
from statedrill.vocabulary import Kind, Outcome, Phase

LOAD_PHASES = (Phase.NONE, Phase.WARMUP, Phase.BASELINE, Phase.FAULT, Phase.RECOVERY)
WINDOWED = 7  # buckets per doubling of windowed thresholds: error below 0.4 %
T = TypeVar("T", Histogram, Array)


@dataclass
class Measure:
    """What one threshold looks at: counts and latencies of the operations that match its tags;
    with a window, counts per bin too (rows: bins; columns: buckets of succeeded, then failed).
    """

    n: int
    failed: int
    latency: Histogram
    per_bin: Array | None

    def __add__(self, other: Measure) -> Measure:
        both = None
        if self.per_bin is not None and other.per_bin is not None:
            both = self.per_bin + other.per_bin
        return Measure(
            self.n + other.n, self.failed + other.failed, self.latency + other.latency, both
        )


@dataclass
class Traffic:
    """Additive over parts. Keys of `latency` and `service` are phases, of `operations` codes.

    `outcomes[phase, outcome]` counts operations; `ok` and `failed` count them per bin, `shape` is
    bins x coarse buckets of latency. `struck` are the baseline's operations that were in flight
    when the first fault began, and failed then: they say nothing against the baseline.
    """

    outcomes: Array
    latency: dict[int, Histogram]
    service: dict[int, Histogram]
    operations: dict[int, Histogram]
    operation_outcomes: dict[int, Array]
    lag: Histogram
    ok: Array
    failed: Array
    shape: Array
    struck: int
    measures: list[Measure] = field(default_factory=list)

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.outcomes + other.outcomes,
            _merge(self.latency, other.latency),
            _merge(self.service, other.service),
            _merge(self.operations, other.operations),
            _merge(self.operation_outcomes, other.operation_outcomes),
            self.lag + other.lag,
            self.ok + other.ok,
            self.failed + other.failed,
            self.shape + other.shape,
            self.struck + other.struck,
            [a + b for a, b in zip(self.measures, other.measures, strict=True)],
        )


def measure(part: Part, names: Names, context: CheckContext) -> Traffic:
    """The traffic of one part."""
    call, ret, due, phase = part["call"], part["ret"], part["due"], part["phase"]
    outcome = part["outcome"]
    ok = (outcome == Outcome.OK) | (outcome == Outcome.ACCEPTED)
    service = ret - call
    planned = due > 0
    latency = np.where(planned, ret - due, service) if planned.any() else service
    bins = np.clip((call - context.origin_ns) // context.bin_ns, 0, context.bins - 1)
    load = phase <= Phase.RECOVERY
    # a mask that is hard to predict costs five times as much as the places where it is true
    good, bad, served = (np.flatnonzero(mask) for mask in (ok, ~ok, ok & load))
    outcomes = np.bincount(
        phase.astype(np.int64) * len(Outcome) + outcome, minlength=len(Phase) * len(Outcome)
    )
    by_phase = _by_code(latency[served], phase[served])
    baseline_lag = planned & (phase == Phase.BASELINE)
    return Traffic(
        outcomes=outcomes.reshape(len(Phase), len(Outcome)),
        latency=by_phase,
        service=_by_code(service[served], phase[served]) if planned.any() else by_phase,
        operations=_by_code(latency[served], part["op"][served]),
        operation_outcomes=_outcomes_by_op(part["op"][load], outcome[load]),
        lag=Histogram.of(np.maximum(call - due, 0)[baseline_lag]),
        ok=np.bincount(bins[good], minlength=context.bins),
        failed=np.bincount(bins[bad], minlength=context.bins),
        shape=_shape(bins[good], latency[good], context.bins, COARSE),
        struck=_struck(phase, ret, ok, context),
        measures=[
            _measure(each, part, names, (ok, latency, bins), context) for each in context.thresholds
        ],
    )


def _struck(phase: Array, ret: Array, ok: Array, context: CheckContext) -> int:
    if context.fault_ns is None:
        return 0
    return int((~ok & (phase == Phase.BASELINE) & (ret > context.fault_ns)).sum())


def _merge(left: dict[int, T], right: dict[int, T]) -> dict[int, T]:
    merged = dict(left)
    for code, value in right.items():
        merged[code] = merged[code] + value if code in merged else value
    return merged


def _by_code(ns: Array, codes: Array) -> dict[int, Histogram]:
    order = np.argsort(codes, kind="stable")  # of 16 bits at most: linear
    counts = np.bincount(codes)
    groups = np.split(ns[order], np.cumsum(counts)[:-1])
    return {code: Histogram.of(groups[code]) for code in np.flatnonzero(counts).tolist()}


def _outcomes_by_op(op: Array, outcome: Array) -> dict[int, Array]:
    counts = np.bincount(op.astype(np.int64) * len(Outcome) + outcome)
    counts = np.pad(counts, (0, -len(counts) % len(Outcome))).reshape(-1, len(Outcome))
    return {int(code): counts[code] for code in np.flatnonzero(counts.sum(axis=1))}


def _shape(bins: Array, ns: Array, count: int, precision: int) -> Array:
    size = buckets(precision)
    flat = np.bincount(bins * size + bucket(ns, precision), minlength=count * size)
    return flat.reshape(count, size).astype(np.int32)


def _measure(
    threshold: Threshold,
    part: Part,
    names: Names,
    rows: tuple[Array, Array, Array],
    context: CheckContext,
) -> Measure:
    ok, latency, bins = rows
    chosen = _matching(threshold, part, names)
    good, bad = chosen & ok, chosen & ~ok
    per_bin = None
    if threshold.window_s is not None:
        shape = _shape(bins[good], latency[good], context.bins, WINDOWED)
        failed = np.bincount(bins[bad], minlength=context.bins)
        per_bin = np.column_stack([shape, failed])
    return Measure(int(chosen.sum()), int(bad.sum()), Histogram.of(latency[good]), per_bin)


def _matching(threshold: Threshold, part: Part, names: Names) -> Array:
    """The rows that a threshold's tags choose; without a phase, those of the load."""
    chosen = np.ones(len(part), dtype=bool)
    if "phase" not in threshold.tags:
        chosen &= part["phase"] <= Phase.RECOVERY
    for tag, value in threshold.tags.items():
        if tag == "phase":
            chosen &= part["phase"] == Phase[value.upper()]
        elif tag == "kind":
            chosen &= part["kind"] == Kind[value.upper()]
        else:
            table = names.ops if tag == "op" else names.instances
            codes = [code for code, name in table.items() if name == value]
            chosen &= np.isin(part[tag], codes)
    return chosen
