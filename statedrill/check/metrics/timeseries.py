"""The run's course for a reader: latencies by phase and operation, and the series in bins."""

from __future__ import annotations

import math
from collections.abc import Mapping

from statedrill.check.aggregate import PartitionResult
from statedrill.check.context import CheckContext
from statedrill.check.metrics.availability import quantiles_ms
from statedrill.check.metrics.imbalance import Imbalance
from statedrill.check.metrics.record import (
    PERCENTILES,
    LatencyFigures,
    OperationFigures,
    Percentile,
    PhaseWindow,
    Series,
)
from statedrill.check.metrics.traffic import LOAD_PHASES, Traffic
from statedrill.check.numeric.arrays import Array
from statedrill.check.numeric.histogram import Histogram
from statedrill.history.columns import Names
from statedrill.history.store import History
from statedrill.vocabulary import Outcome, Phase

_SHARES: Mapping[Percentile, float] = {
    "p50": 0.5,
    "p95": 0.95,
    "p99": 0.99,
    "p999": 0.999,
    "max": 1.0,
}
_ALWAYS = (Phase.BASELINE, Phase.FAULT, Phase.RECOVERY)


def latencies(traffic: Traffic) -> tuple[dict[str, LatencyFigures], dict[str, LatencyFigures]]:
    """The keys "latency_ms" (from the intended start) and "service_ms" (from the call): the
    figures of each phase of the load, and the errors beside them.
    """
    return _by_phase(traffic, traffic.latency), _by_phase(traffic, traffic.service)


def _by_phase(traffic: Traffic, spreads: Mapping[int, Histogram]) -> dict[str, LatencyFigures]:
    found: dict[str, LatencyFigures] = {}
    for phase in LOAD_PHASES:
        counts = traffic.outcomes[phase]
        errors = int(counts[Outcome.FAILED] + counts[Outcome.UNKNOWN])
        figures = _figures(spreads.get(phase))
        if figures or errors:
            figures["errors"] = errors
        if figures or phase in _ALWAYS:
            found[phase.name.lower()] = figures
    return found


def _figures(spread: Histogram | None) -> LatencyFigures:
    """Count and percentiles of what succeeded; empty where nothing did."""
    if spread is None or spread.n == 0:
        return {}
    figures: LatencyFigures = {"n": spread.n}
    for key in PERCENTILES:
        figures[key] = round(spread.quantile_ms(_SHARES[key]) or 0.0, 3)
    return figures


def operations(traffic: Traffic, names: Names) -> dict[str, OperationFigures[int]]:
    """The key "operations": per operation n, errors, unknown, p50 and p99 (ms) over the load."""
    found: dict[str, OperationFigures[int]] = {}
    for code, counts in sorted(traffic.operation_outcomes.items()):
        figures = _figures(traffic.operations.get(code))
        found[names.ops.get(code, f"operation {code}")] = {
            "n": int(counts.sum()),
            "errors": int(counts[Outcome.FAILED] + counts[Outcome.UNKNOWN]),
            "unknown": int(counts[Outcome.UNKNOWN]),
            "p50": figures.get("p50"),
            "p99": figures.get("p99"),
        }
    return found


def phases(history: History, context: CheckContext) -> list[PhaseWindow]:
    """The key "phases"."""
    return [
        {
            "phase": phase.name.lower(),
            "begin_s": context.seconds(begin),
            "end_s": context.seconds(end),
        }
        for phase, begin, end in history.windows()
    ]


def series(
    total: PartitionResult, traffic: Traffic, context: CheckContext, spread: Imbalance | None
) -> Series:
    """The key "series": bins over the whole record, by time of the call; lost writes by their
    confirmation, lost sessions by their first evidence; `spread` at the end of each bin.
    """
    bin_s = context.bin_ns / 1e9
    made: Series = {
        "bin_s": bin_s,
        "t_s": [round(number * bin_s, 3) for number in range(context.bins)],
        "ok": traffic.ok.tolist(),
        "failed": traffic.failed.tolist(),
        "p50_ms": _rounded(quantiles_ms(traffic.shape, 0.5)),
        "p99_ms": _rounded(quantiles_ms(traffic.shape, 0.99)),
        "lost_writes": total.bins["lost_writes"].tolist(),
        "lost_sessions": total.bins["lost_sessions"].tolist(),
        "stale": total.bins["stale"].tolist(),
    }
    if spread is not None:
        made["instances"] = spread.instances.tolist()
        made["requests_cv"] = _rounded(spread.requests)
        made["sessions_cv"] = _rounded(spread.sessions)
    return made


def _rounded(values: Array) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 3) for value in values.tolist()]
