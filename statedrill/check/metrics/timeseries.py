"""The run's course for a reader: latencies by phase and operation, and the series in bins."""

from __future__ import annotations

import math
from typing import Any

from statedrill.check.aggregate import PartitionResult
from statedrill.check.context import CheckContext
from statedrill.check.metrics.availability import quantiles_ms
from statedrill.check.metrics.traffic import LOAD_PHASES, Traffic
from statedrill.check.numeric.arrays import Array
from statedrill.history.columns import Names
from statedrill.history.store import History
from statedrill.vocabulary import Outcome, Phase

_COUNTED = ("lost_writes", "lost_sessions", "stale")
_ALWAYS = (Phase.BASELINE, Phase.FAULT, Phase.RECOVERY)


def latencies(traffic: Traffic) -> dict[str, dict[str, Any]]:
    """The keys "latency_ms" (from the intended start) and "service_ms" (from the call): per phase
    of the load n, p50, p95, p99, p999, max of what succeeded, and the errors beside it.
    """
    found: dict[str, dict[str, Any]] = {"latency_ms": {}, "service_ms": {}}
    for phase in LOAD_PHASES:
        counts = traffic.outcomes[phase]
        errors = int(counts[Outcome.FAILED] + counts[Outcome.UNKNOWN])
        for key, spread in (("latency_ms", traffic.latency), ("service_ms", traffic.service)):
            figures = spread[phase].summary() if phase in spread else {}
            if figures or errors:
                figures["errors"] = errors
            if figures or phase in _ALWAYS:
                found[key][phase.name.lower()] = figures
    return found


def operations(traffic: Traffic, names: Names) -> dict[str, dict[str, Any]]:
    """The key "operations": per operation n, errors, unknown, p50 and p99 (ms) over the load."""
    found = {}
    for code, counts in sorted(traffic.operation_outcomes.items()):
        figures = traffic.operations[code].summary() if code in traffic.operations else {}
        found[names.ops.get(code, f"operation {code}")] = {
            "n": int(counts.sum()),
            "errors": int(counts[Outcome.FAILED] + counts[Outcome.UNKNOWN]),
            "unknown": int(counts[Outcome.UNKNOWN]),
            "p50": figures.get("p50"),
            "p99": figures.get("p99"),
        }
    return found


def phases(history: History, context: CheckContext) -> list[dict[str, Any]]:
    """The key "phases"."""
    return [
        {
            "phase": phase.name.lower(),
            "begin_s": context.seconds(begin),
            "end_s": context.seconds(end),
        }
        for phase, begin, end in history.windows()
    ]


def series(total: PartitionResult, traffic: Traffic, context: CheckContext) -> dict[str, Any]:
    """The key "series": bins over the whole record, by time of the call; lost writes by their
    confirmation, lost sessions by their first evidence.
    """
    bin_s = context.bin_ns / 1e9
    return {
        "bin_s": bin_s,
        "t_s": [round(number * bin_s, 3) for number in range(context.bins)],
        "ok": traffic.ok.tolist(),
        "failed": traffic.failed.tolist(),
        "p50_ms": _rounded(quantiles_ms(traffic.shape, 0.5)),
        "p99_ms": _rounded(quantiles_ms(traffic.shape, 0.99)),
        **{name: total.bins[name].tolist() for name in _COUNTED},
    }


def _rounded(values: Array) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 3) for value in values.tolist()]
