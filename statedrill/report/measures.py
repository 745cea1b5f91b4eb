"""What was measured beside the promise: a table by phase, and short figures for a comparison.

Knows the record's keys and what each means to a reader; judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from statedrill.check.metrics.record import PhaseMeasures
from statedrill.check.verdict.record import StoredVerdict
from statedrill.report.formatting import DASH, format_count
from statedrill.report.table import Table, table

PHASES = ("baseline", "fault", "recovery")


@dataclass(frozen=True)
class Measure:
    """A figure of a phase: its key in the record, its name, how it is written, what it means."""

    key: str
    name: str
    write: Callable[[float | None], str]
    meaning: str


def _variation(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


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
)  # fmt: skip


def measures_table(verdict: StoredVerdict) -> Table:
    """Every figure that was measured, by phase; empty where nothing was."""
    measured = verdict.get("measures", {})
    rows = []
    for each in MEASURES:
        values = [_value(measured, phase, each) for phase in PHASES]
        if any(value is not None for value in values):
            rows.append((each.name, *map(each.write, values), each.meaning))
    columns = ("figure", *PHASES, "meaning")
    return table("Measured by phase", columns, rows, numeric=(1, 2, 3))


def before_and_after(verdict: StoredVerdict, key: str) -> str:
    """A figure of the baseline, and that of the last phase: `0.03 → 0.82`."""
    [measure] = (each for each in MEASURES if each.key == key)
    measured = verdict.get("measures", {})
    values = [_value(measured, phase, measure) for phase in PHASES]
    if all(value is None for value in values):
        return DASH
    later = [value for value in values[1:] if value is not None]
    return f"{measure.write(values[0])} → {measure.write(later[-1] if later else None)}"


def _value(measured: Mapping[str, PhaseMeasures], phase: str, each: Measure) -> float | None:
    figures: Mapping[str, object] = measured.get(phase, {})
    value = figures.get(each.key)
    return value if isinstance(value, (int, float)) else None
