"""The report of one run: report.html, summary.md and junit.xml, from its folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from statedrill.report.figures.axis import Span, TimeAxis, time_axis
from statedrill.report.figures.latency import latency_rows
from statedrill.report.figures.timeline import highest_rate, timeline
from statedrill.report.formatting import listed, rate, seconds
from statedrill.report.html import page, write_text
from statedrill.report.run.findings import findings_of
from statedrill.report.run.plan_tables import figures_table, files_of, plan_tables
from statedrill.report.run.tables import (
    checks_table,
    events_table,
    faults_table,
    footing_table,
    latency_rows_of,
    latency_table,
    operations_table,
    promise_table,
    series_table,
    thresholds_table,
)
from statedrill.report.run_data import Run, at, load_run
from statedrill.report.state_figures import kept_table, recovery_table, tiles
from statedrill.report.text.junit import junit_of_run
from statedrill.report.text.markdown import summary_of_run
from statedrill.report.timeseries import series_of

# "held" beside a loss is no contradiction: what was not promised cannot be broken.
MEANINGS = {
    "held": "all that was promised was kept",
    "broken": "something that was promised was not kept",
    "unknown": "whether the promise was kept is not known",
}


def write_report(run_folder: Path) -> Path:
    """Write report.html, summary.md and junit.xml into `run_folder`; returns the page's path.

    A folder that lacks something still gets its report, which says what is missing.

    Raises:
        InputError: not the folder of a run, or plan.json or verdict.json is damaged.
    """
    run = load_run(run_folder)
    write_text(run.folder / "summary.md", summary_of_run(run))
    write_text(run.folder / "junit.xml", junit_of_run(run))
    return write_text(run.folder / "report.html", page("run.html", _context(run)))


def headline(run: Run) -> str:
    """The verdict in one sentence, as the verdict says it."""
    if not run.verdict:
        return f"{run.name}: there is no verdict."
    return str(run.verdict.get("summary") or f"{run.name}: {run.outcome}.")


def _context(run: Run) -> dict[str, Any]:
    verdict, series = run.verdict, series_of(run)
    time = time_axis(verdict or _phases_from_events(run), _last_second(series))
    return {
        "run": run,
        "headline": headline(run),
        "meaning": MEANINGS[run.outcome],
        "why": [str(each) for each in verdict.get("why") or () if each != headline(run)],
        "facts": _facts(run),
        "tiles": tiles(verdict) if verdict else [],
        "kept": kept_table(verdict) if verdict else None,
        "recovery": recovery_table(verdict) if verdict else None,
        "timeline": _timeline(series, time),
        "phases": [_window(span) for span in time.phases],
        "fault_windows": [_window(span) for span in time.faults],
        "series": series_table(series),
        "beyond": _beyond(series, time),
        "bin": seconds(series.attrs["bin_s"]),
        "latency_picture": latency_rows("latency", "Latency by phase", latency_rows_of(verdict)),
        **_latencies(verdict),
        "promise": promise_table(verdict),
        "promised": _promised(run),
        "findings": findings_of(verdict, time),
        "checks": checks_table(verdict),
        "faults": faults_table(verdict),
        "events": events_table(run.events),
        "footing": footing_table(verdict),
        "footing_why": [str(each) for each in at(verdict, "footing", "why") or ()],
        "lateness": seconds(verdict.get("lateness_s")),
        "footing_outcome": at(verdict, "footing", "outcome") or "unknown",
        "thresholds": thresholds_table(verdict),
        "operations": operations_table(verdict),
        "plan": plan_tables(run.plan),
        "timings_column": at(run.plan, "timings", "column"),
        "figures": figures_table(verdict),
        "files": files_of(run),
    }


def _latencies(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Latency from the intended start and from the call; one table where they are the same."""
    latency, service = verdict.get("latency_ms"), verdict.get("service_ms")
    if not service or latency == service:
        return {"latency": latency_table(verdict, "latency_ms", "Latency, from the sent request"),
                "service": None}  # fmt: skip
    return {
        "latency": latency_table(verdict, "latency_ms", "Latency, from the intended start"),
        "service": latency_table(verdict, "service_ms", "Service time, from the sent request"),
    }


def _facts(run: Run) -> list[tuple[str, str]]:
    """The line under the heading: which run this is."""
    facts = {
        "run": run.plan.get("run"),
        "made": run.plan.get("created"),
        "scenario": run.verdict.get("scenario") or at(run.plan, "scenario", "name"),
        "profile": run.verdict.get("profile") or at(run.plan, "profile", "name"),
        "seed": run.verdict.get("seed", run.plan.get("seed")),
        "timings": at(run.plan, "timings", "column"),
    }
    return [(name, str(value)) for name, value in facts.items() if value is not None]


def _timeline(series: pd.DataFrame, time: TimeAxis) -> Any:
    if series.empty:
        return None
    named = listed([f"{span.name} {_window(span)[1]}" for span in time.faults]) or "no fault"
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
    promise: Mapping[str, Any] = at(run.plan, "pattern", "promise") or {}
    survives = [str(each) for each in promise.get("survives") or ()]
    kept = [str(each).replace("_", " ") for each in promise.get("guarantees") or ()]
    if not promise:
        return ""
    return (
        f"{run.pattern} claims to lose no state in the failure of {listed(survives) or 'nothing'}. "
        f"Session guarantees: {listed(kept) or 'none'}."
    )


def _phases_from_events(run: Run) -> dict[str, Any]:
    """Phases and faults of a run that was never judged, from its events."""
    zero = min((int(each["t"]) for each in run.events), default=0)
    marks = [((int(each["t"]) - zero) / 1e9, each) for each in run.events]
    phases = [(t, str(each.get("phase"))) for t, each in marks if each["event"] == "phase"]
    ends = [t for t, _ in phases[1:]] + [marks[-1][0] if marks else 0.0]
    healed = {each.get("fault"): t for t, each in marks if each["event"] == "fault-end"}
    return {
        "phases": [
            {"phase": name, "begin_s": begin, "end_s": end}
            for (begin, name), end in zip(phases, ends, strict=False)
            if name != "end"
        ],
        "faults": [
            {"name": each.get("name"), "begin_s": t, "end_s": healed.get(each.get("fault"))}
            for t, each in marks
            if each["event"] == "fault-begin"
        ],
    }
