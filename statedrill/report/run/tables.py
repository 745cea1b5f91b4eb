"""The tables of a run's page that follow the verdict's lists: latency, promise, faults and so on.

Each function gives a Table (false where there is nothing to show). Knows the record's lists and
how to write their figures; judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from statedrill.check.metrics.record import PERCENTILES, Footing, LatencyFigures
from statedrill.check.verdict.record import FaultEvidence, StoredVerdict
from statedrill.history.events import Event
from statedrill.report.formatting import (
    DASH,
    NOT_TESTED,
    exact,
    format_count,
    milliseconds,
    percent,
    rate,
    seconds,
)
from statedrill.report.table import Cell, Table, table
from statedrill.report.timeseries import LATENCIES, LOSSES, RATES
from statedrill.vocabulary import UNKNOWN

_PHASES = ("warmup", "baseline", "fault", "recovery", "audit")


def latency_table(phases: Mapping[str, LatencyFigures], caption: str) -> Table:
    """`latency_ms` or `service_ms` by phase; phases without any operation say so."""
    rows = [
        [phase, format_count(figures.get("n")), format_count(figures.get("errors")),
         *(milliseconds(figures.get(each)) for each in PERCENTILES)]
        for phase, figures in in_order(phases)
    ]  # fmt: skip
    columns = ("phase", "ok", "failed", "p50", "p95", "p99", "p99.9", "slowest")
    return table(caption, columns, rows, numeric=range(1, 8))


def in_order(phases: Mapping[str, LatencyFigures]) -> list[tuple[str, LatencyFigures]]:
    """(phase, figures) in the order of a drill."""
    order = [*_PHASES, *(phase for phase in phases if phase not in _PHASES)]
    return [(phase, phases[phase]) for phase in order if phase in phases]


def promise_table(verdict: StoredVerdict) -> Table:
    """Every clause: whether it is promised, its outcome, and the evidence."""
    rows = [
        (
            each["clause"],
            Cell("promised" if each["promised"] else "not promised", style="nowrap"),
            Cell(outcome=each["outcome"], style="" if each["promised"] else "quiet"),
            each["evidence"] or DASH,
        )
        for each in verdict["promise"]
    ]
    return table("The promise, clause by clause", ("clause", "", "measured", "evidence"), rows)


def checks_table(verdict: StoredVerdict) -> Table:
    """Every check with its chances and violations, strict and with bounded lateness."""
    rows: list[list[str | Cell]] = [
        [
            each["check"],
            Cell(outcome=each["outcome"]),
            format_count(each["opportunities"]),
            *(
                NOT_TESTED if each["opportunities"] == 0 else format_count(number)
                for number in (each["violations"], each["primary"], each["bounded"])
            ),
        ]
        for each in verdict["findings"]
    ]
    columns = ("check", "outcome", "opportunities", "violations", "counted here",
               "bounded lateness")  # fmt: skip
    return table("Checks", columns, rows, numeric=(2, 3, 4, 5))


def faults_table(verdict: StoredVerdict) -> Table:
    """Every fault with targets, begin, end and the proof that it happened."""
    rows = [
        (
            each["name"] or "",
            _targets(each),
            seconds(each["begin_s"]),
            Cell(seconds(each["end_s"]), "no end recorded" if each["end_s"] is None else ""),
            _proof(each),
        )
        for each in verdict["faults"]
    ]
    return table("Faults", ("fault", "targets", "begin", "end", "proof"), rows, numeric=(2, 3))


def events_table(events: Sequence[Event]) -> Table:
    """What the cluster did, in order: instances, failovers, deaths that no fault caused."""
    zero = min((each["t"] for each in events), default=0)
    rows = [
        (seconds((each["t"] - zero) / 1e9), each["event"], _event_words(each))
        for each in events
        if _is_shown(each)
    ]
    return table("What the cluster did", ("after", "event", "what"), rows, numeric=(0,))


def thresholds_table(verdict: StoredVerdict) -> Table:
    """Every threshold with its outcome and the measured value."""
    rows = [
        (each["threshold"], Cell(outcome=each["outcome"]), exact(each["value"]))
        for each in verdict["thresholds"]
    ]
    return table("Thresholds", ("threshold", "outcome", "measured"), rows, numeric=(2,))


def footing_table(footing: Footing) -> Table:
    """Whether the baseline carried the plan: every figure of it, also those of a newer version."""
    figures: Mapping[str, object] = footing
    rows = [
        (_words(key), _figure(key, value))
        for key, value in figures.items()
        if key != "outcome" and not isinstance(value, (dict, list))
    ]
    return table("Footing", ("figure", "value"), rows, numeric=(1,))


def operations_table(verdict: StoredVerdict) -> Table:
    """Every operation by name: how often, how fast, how many failed."""
    rows = [
        (
            name,
            format_count(each["n"]),
            format_count(each["errors"]),
            format_count(each["unknown"]),
            milliseconds(each["p50"]),
            milliseconds(each["p99"]),
        )
        for name, each in verdict["operations"].items()
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
                *(format_count(by_name[column]) for column in RATES),
                *(milliseconds(by_name[column]) for column in LATENCIES),
                *(format_count(by_name[column]) for column in LOSSES),
            ]
        )
    return table("The numbers behind the timeline", columns, rows, numeric=range(8))


def _targets(fault: FaultEvidence) -> Cell:
    text = exact(fault["targets"])
    return Cell(text, style="nowrap" if len(text) < 24 else "")


def _proof(fault: FaultEvidence) -> Cell:
    proof = fault["proof"] or ""
    return Cell(proof) if fault["proved"] else Cell(proof or "there is no proof", outcome=UNKNOWN)


def _is_shown(event: Event) -> bool:
    if event["event"] == "process":
        return event["state"] == "dead"
    return event["event"] not in ("phase", "experiment", "sample")


def _event_words(event: Event) -> str:
    fields: Mapping[str, object] = event
    return ", ".join(
        f"{_words(key)} {exact(value)}"
        for key, value in fields.items()
        if key not in ("t", "wall", "event", "log_tail", "pid") and value is not None
    )


def _words(key: str) -> str:
    for unit in ("_s", "_ms", "_pct"):
        key = key.removesuffix(unit)
    return key.replace("_ms_", " ").replace("_", " ")


def _figure(key: str, value: object) -> str:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return exact(value)
    for mark, write in (("rate", rate), ("_ms", milliseconds), ("_pct", _of_hundred),
                        ("ratio", percent), ("share", percent), ("success", percent)):  # fmt: skip
        if mark in key:
            return write(value)
    return seconds(value) if key.endswith("_s") else exact(value)


def _of_hundred(value: float | None) -> str:
    return DASH if value is None else percent(value / 100)
