"""The tables of a run's page that follow the verdict's lists: latency, promise, faults and so on.

Each function takes the verdict and gives a Table (false where there is nothing to show).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from statedrill.history.events import Event
from statedrill.report.formatting import (
    DASH,
    NOT_TESTED,
    count,
    exact,
    milliseconds,
    percent,
    rate,
    seconds,
)
from statedrill.report.run_data import at, outcome
from statedrill.report.table import Cell, Table, table
from statedrill.report.timeseries import LATENCIES, LOSSES, RATES

_PERCENTILES = ("p50", "p95", "p99", "p999", "max")
_PERCENTILE_NAMES = ("p50", "p95", "p99", "p99.9", "slowest")
_PHASES = ("warmup", "baseline", "fault", "recovery", "audit")


def latency_table(verdict: Mapping[str, Any], key: str, caption: str) -> Table:
    """`latency_ms` or `service_ms` by phase; phases without any operation say so."""
    phases = at(verdict, key) or {}
    rows = [
        [phase, count(figures.get("n")), count(figures.get("errors")),
         *(milliseconds(figures.get(p)) for p in _PERCENTILES)]
        for phase, figures in latency_rows_of(verdict, key)
    ]  # fmt: skip
    columns = ("phase", "ok", "failed", *_PERCENTILE_NAMES)
    return table(caption, columns, rows if phases else (), numeric=range(1, 8))


def latency_rows_of(
    verdict: Mapping[str, Any], key: str = "latency_ms"
) -> list[tuple[str, Mapping[str, Any]]]:
    """(phase, figures) in the order of a drill."""
    phases = at(verdict, key) or {}
    order = [*_PHASES, *(phase for phase in phases if phase not in _PHASES)]
    return [(phase, phases[phase] or {}) for phase in order if phase in phases]


def promise_table(verdict: Mapping[str, Any]) -> Table:
    """Every clause: whether it is promised, its outcome, and the evidence."""
    rows = [
        (
            str(clause.get("clause", "")),
            Cell("promised" if clause.get("promised", True) else "not promised", style="nowrap"),
            Cell(outcome=outcome(clause), style="" if clause.get("promised", True) else "quiet"),
            str(clause.get("evidence") or DASH),
        )
        for clause in verdict.get("promise") or ()
    ]
    return table("The promise, clause by clause", ("clause", "", "measured", "evidence"), rows)


def checks_table(verdict: Mapping[str, Any]) -> Table:
    """Every check with its chances and violations, strict and with bounded lateness."""
    rows = [
        (
            str(finding.get("check", "")),
            Cell(outcome=outcome(finding)),
            count(finding.get("opportunities")),
            _violations(finding.get("violations"), finding.get("opportunities")),
            _violations(finding.get("primary"), finding.get("opportunities")),
            _violations(finding.get("bounded"), finding.get("opportunities")),
        )
        for finding in verdict.get("findings") or ()
    ]
    columns = (
        "check",
        "outcome",
        "opportunities",
        "violations",
        "counted here",
        "bounded lateness",
    )
    return table("Checks", columns, rows, numeric=(2, 3, 4, 5))


def faults_table(verdict: Mapping[str, Any]) -> Table:
    """Every fault with targets, begin, end and the proof that it happened."""
    rows = [
        (
            str(fault.get("name", "")),
            _targets(fault),
            seconds(fault.get("begin_s")),
            Cell(seconds(fault.get("end_s")),
                 "no end recorded" if fault.get("end_s") is None else ""),
            _proof(fault),
        )
        for fault in verdict.get("faults") or ()
    ]  # fmt: skip
    return table("Faults", ("fault", "targets", "begin", "end", "proof"), rows, numeric=(2, 3))


def events_table(events: Sequence[Event]) -> Table:
    """What the cluster did, in order: instances, failovers, deaths nobody asked for."""
    if not events:
        return table("", (), ())
    zero = min(int(each["t"]) for each in events)
    rows = [
        (seconds((int(each["t"]) - zero) / 1e9), str(each["event"]), _event_words(each))
        for each in events
        if _worth_telling(each)
    ]
    return table("What the cluster did", ("after", "event", "what"), rows, numeric=(0,))


def thresholds_table(verdict: Mapping[str, Any]) -> Table:
    """Every threshold with its outcome and the measured value."""
    rows = [
        (str(each.get("threshold", "")), Cell(outcome=outcome(each)), exact(each.get("value")))
        for each in verdict.get("thresholds") or ()
    ]
    return table("Thresholds", ("threshold", "outcome", "measured"), rows, numeric=(2,))


def footing_table(verdict: Mapping[str, Any]) -> Table:
    """Whether the baseline carried the plan: every figure of it."""
    footing = at(verdict, "footing") or {}
    rows = [(_words(key), _figure(key, value)) for key, value in footing.items()
            if key != "outcome" and not isinstance(value, (Mapping, list))]  # fmt: skip
    return table("Footing", ("figure", "value"), rows, numeric=(1,))


def operations_table(verdict: Mapping[str, Any]) -> Table:
    """Every operation by name: how often, how fast, how many failed."""
    named = verdict.get("operations") or {}
    entries: list[Mapping[str, Any]] = (
        [{"op": name, **figures} for name, figures in named.items()]
        if isinstance(named, Mapping)
        else list(named)
    )
    rows = [
        (
            str(each.get("op") or each.get("name") or ""),
            count(_first(each, "n", "count", "total")),
            count(_first(each, "errors", "failed")),
            count(each.get("unknown")),
            milliseconds(_first(each, "p50", "p50_ms")),
            milliseconds(_first(each, "p99", "p99_ms")),
        )
        for each in entries
    ]
    columns = ("operation", "attempts", "failed", "unknown", "p50", "p99")
    return table("Operations", columns, rows, numeric=range(1, 6))


def series_table(series: pd.DataFrame) -> Table:
    """The numbers behind the timeline."""
    columns = ("second", "ok / s", "failed / s", "p50", "p99", "lost writes", "lost sessions",
               "stale reads")  # fmt: skip
    rows = []
    for at_s, row in series.iterrows():
        values = [None if pd.isna(value) else float(value) for value in row]
        by_name = dict(zip(series.columns, values, strict=True))
        rows.append(
            [
                f"{at_s:g}",
                *(count(by_name[column]) for column in RATES),
                *(milliseconds(by_name[column]) for column in LATENCIES),
                *(count(by_name[column]) for column in LOSSES),
            ]
        )
    return table("The numbers behind the timeline", columns, rows, numeric=range(8))


def _violations(number: Any, opportunities: Any) -> str:
    if isinstance(number, Mapping):
        number = number.get("violations")
    if opportunities == 0:
        return NOT_TESTED
    return exact(number)


def _targets(fault: Mapping[str, Any]) -> Cell:
    text = exact(fault.get("targets") or ())
    return Cell(text, style="nowrap" if len(text) < 24 else "")


def _proof(fault: Mapping[str, Any]) -> Cell:
    proved = fault.get("proved", bool(fault.get("proof")))
    text = str(fault.get("proof") or "")
    return Cell(text) if proved else Cell(text or "there is no proof", outcome="unknown")


_TOLD = ("instance", "failover", "fault-begin", "fault-end", "fault-proof", "settled",
         "cluster-ready", "load-silent", "interrupted", "crash")  # fmt: skip


def _worth_telling(event: Event) -> bool:
    if event["event"] == "process":
        return event.get("state") == "dead"
    return event["event"] in _TOLD


def _event_words(event: Event) -> str:
    return ", ".join(
        f"{_words(key)} {exact(value)}"
        for key, value in event.items()
        if key not in ("t", "wall", "event", "log_tail", "pid") and value is not None
    )


def _words(key: str) -> str:
    for unit in ("_s", "_ms", "_pct"):
        key = key.removesuffix(unit)
    return key.replace("_ms_", " ").replace("_", " ")


def _figure(key: str, value: Any) -> str:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return exact(value)
    for mark, write in (("rate", rate), ("_ms", milliseconds), ("_pct", _of_hundred),
                        ("ratio", percent), ("share", percent), ("success", percent)):  # fmt: skip
        if mark in key:
            return write(value)
    return seconds(value) if key.endswith("_s") else exact(value)


def _of_hundred(value: float) -> str:
    return percent(value / 100)


def _first(entry: Mapping[str, Any], *keys: str) -> Any:
    return next((entry[key] for key in keys if entry.get(key) is not None), None)
