"""report.html of one run: its tables and figures, put into the template.

Knows which parts a page has and when one is left out; knows no figure of the verdict by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from markupsafe import Markup

from statedrill.check.metrics.record import Footing
from statedrill.check.verdict.record import StoredVerdict
from statedrill.history.events import Event
from statedrill.report.figures.axis import Span, TimeAxis, axis_of, time_axis
from statedrill.report.figures.latency import latency_rows
from statedrill.report.figures.timeline import highest_rate, timeline
from statedrill.report.formatting import listed, rate, seconds
from statedrill.report.html import page
from statedrill.report.measures import measures_table
from statedrill.report.recovery_figures import recovery_table
from statedrill.report.run.findings import findings_of
from statedrill.report.run.measure_panels import picture_of
from statedrill.report.run.plan_tables import figures_table, files_of, plan_tables
from statedrill.report.run.tables import (
    checks_table,
    events_table,
    faults_table,
    footing_table,
    in_order,
    latency_table,
    operations_table,
    promise_table,
    series_table,
    thresholds_table,
)
from statedrill.report.run_data import Run
from statedrill.report.state_figures import kept_table, tiles
from statedrill.report.table import Table
from statedrill.report.timeseries import series_of
from statedrill.vocabulary import UNKNOWN

# "held" beside a loss is no contradiction: what was not promised cannot be broken.
MEANINGS = {
    "held": "all that was promised was kept",
    "broken": "something that was promised was not kept",
    "unknown": "whether the promise was kept is not known",
}


def page_of_run(run: Run) -> str:
    """report.html."""
    return page("run.html", _context(run))


def headline(run: Run) -> str:
    """The verdict in one sentence, as the verdict says it."""
    if not run.judged:
        return f"{run.name}: there is no verdict."
    return run.verdict["summary"] or f"{run.name}: {run.outcome}."


def _context(run: Run) -> dict[str, Any]:
    verdict, series = run.verdict, series_of(run)
    last_s = _last_second(series)
    time = axis_of(verdict, last_s) if run.judged else _axis_of_events(run.events, last_s)
    return {
        "run": run,
        "headline": headline(run),
        "meaning": MEANINGS[run.outcome],
        "why": [each for each in verdict["why"] if each != headline(run)],
        "facts": _facts(run),
        "tiles": tiles(verdict) if run.judged else [],
        "kept": kept_table(verdict) if run.judged else None,
        "recovery": recovery_table(verdict) if run.judged else None,
        "timeline": _timeline(series, time),
        "phases": [_window(span) for span in time.phases],
        "fault_windows": [_window(span) for span in (*time.faults, *time.given_up)],
        "series": series_table(series),
        "beyond": _beyond(series, time),
        "bin": seconds(series.attrs["bin_s"]),
        "latency_picture": latency_rows(
            "latency", "Latency by phase", in_order(verdict["latency_ms"])
        ),
        **_latencies(verdict),
        "promise": promise_table(verdict),
        "promised": _promised(run),
        "findings": findings_of(verdict, time),
        "checks": checks_table(verdict),
        "faults": faults_table(verdict),
        "events": events_table(run.events),
        **_footing(verdict["footing"]),
        "lateness": seconds(verdict.get("lateness_s")),
        "thresholds": thresholds_table(verdict),
        "operations": operations_table(verdict),
        "measures": measures_table(verdict),
        "measures_picture": picture_of(verdict, time),
        "plan": plan_tables(run.plan) if run.plan else [],
        "timings_column": run.plan["timings"]["column"] if run.plan else None,
        "figures": figures_table(verdict) if run.judged else None,
        "files": files_of(run),
    }


def _latencies(verdict: StoredVerdict) -> dict[str, Table | None]:
    """Latency from the intended start and from the call; one table where they are the same."""
    latency, service = verdict["latency_ms"], verdict["service_ms"]
    if not service or latency == service:
        return {"latency": latency_table(latency, "Latency, from the sent request"),
                "service": None}  # fmt: skip
    return {
        "latency": latency_table(latency, "Latency, from the intended start"),
        "service": latency_table(service, "Service time, from the sent request"),
    }


def _footing(footing: Footing) -> dict[str, Any]:
    """The footing, its outcome and reasons; an unknown one without any reason was not judged."""
    judged = footing["outcome"] != UNKNOWN or footing["why"]
    return {
        "footing": footing_table(footing) if judged else None,
        "footing_outcome": footing["outcome"],
        "footing_why": footing["why"],
    }


def _facts(run: Run) -> list[tuple[str, str]]:
    """The line under the heading: which run this is."""
    verdict, plan = run.verdict, run.plan
    facts = {
        "run": plan["run"] if plan else None,
        "made": plan["created"] if plan else None,
        "scenario": verdict["scenario"] or (plan["scenario"]["name"] if plan else None),
        "profile": verdict["profile"] or (plan["profile"]["name"] if plan else None),
        "seed": run.seed,
        "timings": plan["timings"]["column"] if plan else None,
    }
    return [(name, str(value)) for name, value in facts.items() if value is not None]


def _timeline(series: pd.DataFrame, time: TimeAxis) -> Markup | None:
    if series.empty:
        return None
    shaded = (*time.faults, *time.given_up)
    named = listed([f"{span.name} {_window(span)[1]}" for span in shaded]) or "no fault"
    total = series[["lost_writes", "lost_sessions", "stale"]].sum()
    described = (
        f"Operations per second, latency and lost state over {seconds(time.end_s)}; "
        f"shaded: {named}. Lost writes {total['lost_writes']:,.0f}, "
        f"lost sessions {total['lost_sessions']:,.0f}, stale reads {total['stale']:,.0f}. "
        "The numbers stand in a table below."
    )
    return timeline("timeline", series, time, described)


def _beyond(series: pd.DataFrame, time: TimeAxis) -> str:
    """The audit's rate, where it is higher than the axis shows."""
    highest = series["ok"].max()
    return rate(highest) if highest > highest_rate(series, time) else ""


def _window(span: Span) -> tuple[str, str]:
    begin = f"{span.begin_s:,.1f} s"
    if span.end_s is None:
        return span.name, f"from {begin} on, no end recorded"
    if span.end_s - span.begin_s < 0.05:
        return span.name, f"at {begin}"
    return span.name, f"{begin} to {span.end_s:,.1f} s"


def _last_second(series: pd.DataFrame) -> float:
    return float(series.index[-1]) + float(series.attrs["bin_s"]) if len(series) else 0.0


def _promised(run: Run) -> str:
    """The promise in words, as the pattern's file has it."""
    if run.plan is None:
        return ""
    promise = run.plan["pattern"]["promise"]
    survives = promise["survives"]
    kept = [each.replace("_", " ") for each in promise["guarantees"]]
    return (
        f"{run.pattern} claims to lose no state in the failure of {listed(survives) or 'nothing'}. "
        f"Session guarantees: {listed(kept) or 'none'}."
    )


def _axis_of_events(events: Sequence[Event], last_s: float) -> TimeAxis:
    """The axis of a run that was never judged, from its own events."""
    zero = min((each["t"] for each in events), default=0)
    phases: list[Span] = []
    faults: dict[str, Span] = {}
    for event in events:
        at_s = (event["t"] - zero) / 1e9
        if event["event"] == "phase":
            phases[-1:] = [replace(phase, end_s=at_s) for phase in phases[-1:]]
            phases.append(Span(event["phase"], at_s, None))
        elif event["event"] == "fault-begin":
            faults[event["fault"]] = Span(event["name"], at_s, None)
        elif event["event"] == "fault-end" and event["fault"] in faults:
            faults[event["fault"]] = replace(faults[event["fault"]], end_s=at_s)
    if phases and phases[-1].name == "end":
        phases.pop()
    elif phases:
        phases[-1] = replace(phases[-1], end_s=(events[-1]["t"] - zero) / 1e9)
    return time_axis(phases, list(faults.values()), last_s)
