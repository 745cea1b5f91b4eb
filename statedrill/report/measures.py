"""What was measured beside the promise: a table by phase, and short figures for a comparison.

Knows the record's keys and what each means to a reader; judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from statedrill.check.metrics.record import PhaseMeasures
from statedrill.check.verdict.record import StoredVerdict
from statedrill.report.formatting import DASH, format_count, percent, seconds
from statedrill.report.table import Table, table

PHASES = ("baseline", "fault", "recovery")


@dataclass(frozen=True)
class Measure:
    """A figure of a phase: its key in the record, its name, how it is written, what it means.

    Some are counted by name (of a queue, of a service): each name has a row.
    """

    key: str
    name: str
    write: Callable[[float | None], str]
    meaning: str


def _variation(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


def _of_processor(value: float | None) -> str:
    return DASH if value is None else percent(value / 100)


MEASURES = (
    Measure("instances", "instances in service", format_count, "at the end of the phase"),
    Measure("requests_cv_max", "imbalance of requests, greatest", _variation,
            "standard deviation over mean of what each instance answered within 2 s"),
    Measure("requests_cv_end", "imbalance of requests, in the end", _variation,
            "the last 2 s of the phase"),
    Measure("sessions_cv_max", "imbalance of sessions, greatest", _variation,
            "standard deviation over mean of the sessions that each instance has"),
    Measure("sessions_cv_end", "imbalance of sessions, in the end", _variation,
            "at the end of the phase"),
    Measure("hit_rate", "hit rate of the cache", percent,
            "lookups that found their key, of all"),
    Measure("queue_depth_max", "messages in the queue, most", format_count,
            "visible, in flight and delayed"),
    Measure("dead_letters_max", "dead letters, most", format_count,
            "received too often, and put aside"),
    Measure("queue_age_s_max", "age of the oldest message, greatest", seconds, "at least"),
    Measure("lag_bytes_max", "replica behind, most bytes", format_count,
            "what the primary had written and the replica had not applied"),
    Measure("lag_s_max", "replica behind, longest", seconds,
            "since the primary was where the replica is"),
    Measure("cpu_s_per_1000", "processor time per 1,000 operations", seconds,
            "of instances and workers, for operations that succeeded"),
    Measure("memory_mib", "memory of the application (MiB)", format_count,
            "resident, instances and workers together, on average"),
    Measure("sampler_cpu_pct", "cost of sampling", _of_processor,
            "of one processor, to take these samples once a second"),
)  # fmt: skip


def measures_table(verdict: StoredVerdict) -> Table:
    """Every figure that was measured, by phase; empty where nothing was."""
    measured = verdict.get("measures", {})
    rows = []
    for each in MEASURES:
        for name in _names(measured, each.key):
            values = [_value(measured, phase, each.key, name) for phase in PHASES]
            title = f"{each.name}: {name}" if name else each.name
            rows.append((title, *map(each.write, values), each.meaning))
    columns = ("figure", *PHASES, "meaning")
    return table("Measured by phase", columns, rows, numeric=(1, 2, 3))


def before_and_after(verdict: StoredVerdict, key: str) -> str:
    """A figure of the baseline, and that of the last phase: `0.03 → 0.82`."""
    return _two(verdict, key, lambda later: later[-1])


def before_and_greatest(verdict: StoredVerdict, key: str) -> str:
    """A figure of the baseline, and the greatest of fault and recovery: `12 → 840`."""
    return _two(verdict, key, max)


def _two(verdict: StoredVerdict, key: str, choose: Callable[[list[float]], float]) -> str:
    [measure] = (each for each in MEASURES if each.key == key)
    measured = verdict.get("measures", {})
    first, *later = (_greatest(measured, phase, key) for phase in PHASES)
    known = [value for value in later if value is not None]
    if first is None and not known:
        return DASH
    return f"{measure.write(first)} → {measure.write(choose(known) if known else None)}"


def _names(measured: Mapping[str, PhaseMeasures], key: str) -> list[str]:
    """The names by which a figure was counted: "" where it is one number, none where there is
    none.
    """
    found: dict[str, None] = {}
    for phase in PHASES:
        value = _figures(measured, phase).get(key)
        if value is not None:
            found.update(dict.fromkeys(value if isinstance(value, Mapping) else [""]))
    return list(found)


def _greatest(measured: Mapping[str, PhaseMeasures], phase: str, key: str) -> float | None:
    known = (_value(measured, phase, key, name) for name in _names(measured, key))
    return max((value for value in known if value is not None), default=None)


def _value(measured: Mapping[str, PhaseMeasures], phase: str, key: str, name: str) -> float | None:
    value = _figures(measured, phase).get(key)
    value = value.get(name) if isinstance(value, Mapping) else value
    return value if isinstance(value, (int, float)) else None


def _figures(measured: Mapping[str, PhaseMeasures], phase: str) -> Mapping[str, object]:
    return measured.get(phase, {})
