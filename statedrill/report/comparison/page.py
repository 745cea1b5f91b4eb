"""The report of a comparison: patterns by experiments, from the folders of its runs.

Writes report.html, summary.md, comparison.json and junit.xml into a folder of its own and links
to the runs' own reports. Knows what a comparison shows; judges nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from typing_extensions import TypedDict

from statedrill.check.metrics.record import PERCENTILES, LatencyFigures
from statedrill.check.verdict.record import SCHEMA, StoredVerdict
from statedrill.errors import InputError
from statedrill.plan.record import PlanRecord
from statedrill.report.comparison.cells import cells_of, lowest_availability
from statedrill.report.comparison.heatmap import grid
from statedrill.report.comparison.overview import overview
from statedrill.report.comparison.sentences import comparison_sentences
from statedrill.report.comparison.tables import measured_table, results_table, runs_table
from statedrill.report.figures.axis import axis_of, load_axis
from statedrill.report.figures.latency import latency_rows
from statedrill.report.figures.timeline import highest_rate, small_timeline
from statedrill.report.formatting import (
    crossed,
    format_count,
    listed,
    milliseconds,
    percent,
)
from statedrill.report.html import page, write_text
from statedrill.report.run.outputs import write_run_report
from statedrill.report.run_data import Run, load_readable
from statedrill.report.table import Cell, Table, table
from statedrill.report.text.junit import junit
from statedrill.report.text.markdown import summary_of_comparison
from statedrill.report.timeseries import series_of

# More small timelines than this would make the page slow to open on a phone.
_MOST_TIMELINES = 36
# More names than this make a title that nobody reads.
_MOST_NAMES = 5
_NOTHING: Mapping[tuple[str, str], str] = MappingProxyType({})


class LeftOut(TypedDict):
    """A cell that no run can fill: the pattern has nothing that the experiment breaks."""

    pattern: str
    experiment: str
    why: str


class Comparison(TypedDict):
    """The content of comparison.json; `reports` are relative addresses, parallel to `runs`."""

    schema: int
    report: str
    answer: list[str]
    reports: list[str]
    runs: list[StoredVerdict]
    left_out: list[LeftOut]


def load_runs(folders: Sequence[Path], failures: Mapping[Path, str] | None = None) -> list[Run]:
    """The runs to compare. One with a damaged file, or one that could not be judged (`failures`
    has the reasons by folder), is there with what is readable of it and with the reason.

    Raises:
        InputError: no run is named, or one is not a run's folder.
    """
    if not folders:
        raise InputError("no run to compare", "name the folders of one or more runs")
    return [load_readable(folder, (failures or {}).get(folder, "")) for folder in folders]


def write_comparison(
    folder: Path, runs: Sequence[Run], impossible: Mapping[tuple[str, str], str] = _NOTHING
) -> Path:
    """Write the comparison of `runs` into `folder`; returns the page's path.

    A run that lacks a report of its own, or has no verdict, gets one, so that every link leads to
    what is known now. `impossible` names the cells (pattern, experiment) that were left out because
    no run can fill them, with the reason.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for run in runs:
        if not run.judged or not (run.folder / "report.html").exists():
            write_run_report(run)
    links = [_link(folder, run) for run in runs]
    answer = comparison_sentences(list(cells_of(runs).values()))
    left_out = [f"{crossed(*cell)}: {why}" for cell, why in impossible.items()]
    write_text(folder / "summary.md", summary_of_comparison(answer, runs, links, left_out))
    write_text(folder / "junit.xml", junit(runs))
    comparison = _comparison(answer, runs, links, impossible)
    text = json.dumps(comparison, indent=1, ensure_ascii=False)
    write_text(folder / "comparison.json", text + "\n")
    html = page("comparison.html", _context(answer, runs, links, impossible))
    return write_text(folder / "report.html", html)


def _context(
    answer: Sequence[str],
    runs: Sequence[Run],
    links: Sequence[str],
    impossible: Mapping[tuple[str, str], str],
) -> dict[str, Any]:
    by_run = dict(zip((id(run) for run in runs), links, strict=True))
    baselines = _baselines(runs)
    cells = grid(runs, lambda run: by_run[id(run)], impossible)
    return {
        "answer": answer,
        "title": f"{_named('patterns', [run.pattern for run in runs])} under "
        f"{_named('experiments', [run.experiment for run in runs])}",
        "grid": cells,
        "overview": overview(cells),
        "results": results_table(runs, links),
        "measured": measured_table(runs, links),
        "differences": _differences(runs),
        "latency_picture": latency_rows(
            "baseline", "Latency in the baseline by pattern", list(baselines.items())
        ),
        "latency": _baseline_table(runs, baselines),
        "timelines": _timelines(runs, links),
        "left_out": max(0, len(runs) - _MOST_TIMELINES),
        "runs": runs_table(runs, links),
        "missing": [f"{run.name}: {each}" for run in runs for each in run.missing],
    }


def _link(folder: Path, run: Run) -> str:
    """The relative address of a run's report, so that the folders can move together."""
    path = os.path.relpath((run.folder / "report.html").resolve(), folder.resolve())
    return quote(Path(path).as_posix())


def _comparison(
    answer: Sequence[str],
    runs: Sequence[Run],
    links: Sequence[str],
    impossible: Mapping[tuple[str, str], str],
) -> Comparison:
    return {
        "schema": SCHEMA,
        "report": "report.html",
        "answer": list(answer),
        "reports": list(links),
        "runs": [
            run.verdict if run.judged else {**run.verdict, "why": list(run.missing)} for run in runs
        ],
        "left_out": [
            {"pattern": pattern, "experiment": experiment, "why": why}
            for (pattern, experiment), why in impossible.items()
        ],
    }


def _named(what: str, names: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(names))
    many = len(distinct) > _MOST_NAMES
    return f"{len(distinct)} {what}" if many else listed(distinct)


_LIKE_FOR_LIKE: Mapping[str, Callable[[PlanRecord], object]] = {
    "scenario": lambda plan: plan["scenario"]["name"],
    "profile": lambda plan: plan["profile"]["name"],
    "users": lambda plan: plan["load"]["users"],
    "planned rate": lambda plan: plan["load"]["planned_rate"],
    "arrival rate": lambda plan: plan["load"]["arrival_rate"],
    "timings": lambda plan: plan["timings"]["column"],
    "baseline (s)": lambda plan: plan["phases"]["baseline_s"],
    "recovery (s)": lambda plan: plan["phases"]["recovery_s"],
    "statedrill": lambda plan: plan["statedrill"],
    "processors": lambda plan: plan["host"]["cores"],
}


def _differences(runs: Sequence[Run]) -> list[str]:
    """What was not the same in all plans: a comparison is like for like or says so."""
    found = []
    plans = [run.plan for run in runs if run.plan]
    for name, value_of in _LIKE_FOR_LIKE.items():
        values = list(dict.fromkeys(str(value_of(plan)) for plan in plans))
        if len(values) > 1:
            found.append(f"{name}: {listed(values)}")
    return found


def _baselines(runs: Sequence[Run]) -> dict[str, LatencyFigures]:
    """Pattern -> percentiles of its baseline in milliseconds: the median of its runs."""
    found: dict[str, list[LatencyFigures]] = {}
    for run in runs:
        figures = run.verdict["latency_ms"].get("baseline")
        found.setdefault(run.pattern, []).extend([figures] if figures else [])
    return {pattern: _medians(figures) for pattern, figures in found.items()}


def _medians(figures: Sequence[LatencyFigures]) -> LatencyFigures:
    made: LatencyFigures = {}
    for key in PERCENTILES:
        if known := [each[key] for each in figures if key in each]:
            made[key] = median(known)
    return made


def _baseline_table(runs: Sequence[Run], baselines: Mapping[str, LatencyFigures]) -> Table:
    rows: list[list[str | Cell]] = []
    for pattern, figures in baselines.items():
        own = [run for run in runs if run.pattern == pattern]
        rows.append([pattern, format_count(len(own)),
                     *(milliseconds(figures.get(key)) for key in PERCENTILES[:-1]),
                     percent(lowest_availability(own))])  # fmt: skip
    columns = ("pattern", "runs", "p50", "p95", "p99", "p99.9", "lowest availability")
    return table("Latency in the baseline", columns, rows, numeric=range(1, 7))


def _timelines(runs: Sequence[Run], links: Sequence[str]) -> list[tuple[str, str, str, Markup]]:
    """(name, link, outcome, drawing) of each run, all with one rate axis."""
    shown = list(zip(runs, links, strict=True))[:_MOST_TIMELINES]
    every = [series_of(run) for run, _ in shown]
    times = [
        load_axis(axis_of(run.verdict, float(series.index[-1]) if len(series) else 0.0))
        for (run, _), series in zip(shown, every, strict=True)
    ]
    tops = [highest_rate(*pair) for pair in zip(every, times, strict=True) if len(pair[0])]
    top = max(tops, default=1.0)
    return [
        (run.name, link, run.outcome,
         small_timeline(f"small-{number}", f"{run.name}: {run.outcome}", series,
                        time, top))
        for number, ((run, link), series, time) in enumerate(
            zip(shown, every, times, strict=True), start=1)
        if len(series)
    ]  # fmt: skip
