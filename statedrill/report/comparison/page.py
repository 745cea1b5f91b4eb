"""The report of a comparison: patterns by experiments, from the folders of its runs.

Writes report.html, summary.md, comparison.json and junit.xml into a folder of its own and links
to the runs' own reports.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from statedrill.errors import InputError
from statedrill.report.comparison.cells import squares_of
from statedrill.report.comparison.heatmap import grid
from statedrill.report.comparison.sentences import answer
from statedrill.report.figures.axis import load_axis, time_axis
from statedrill.report.figures.latency import latency_rows
from statedrill.report.figures.timeline import highest_rate, small_timeline
from statedrill.report.formatting import DASH, count, listed, milliseconds, percent, seconds, share
from statedrill.report.html import page, write_text
from statedrill.report.run.page import write_report
from statedrill.report.run_data import Run, at, load_run
from statedrill.report.table import Cell, Table, table
from statedrill.report.text.junit import junit
from statedrill.report.text.markdown import summary_of_comparison
from statedrill.report.timeseries import series_of

# More small timelines than this would make the page slow to open on a phone.
_MOST_TIMELINES = 36


def write_comparison(folder: Path, runs: Sequence[Path]) -> Path:
    """Write the comparison of `runs` (their folders) into `folder`; returns the page's path.

    A run without a report of its own gets one, so that every link leads somewhere.

    Raises:
        InputError: no run is named, one is not a run's folder, or a file in it is damaged.
    """
    if not runs:
        raise InputError("no run to compare", "name the folders of one or more runs")
    loaded = [load_run(path) for path in runs]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for run in loaded:
        if not (run.folder / "report.html").exists():
            write_report(run.folder)
    links = [_link(folder, run) for run in loaded]
    said = answer(list(squares_of(loaded).values()))
    write_text(folder / "summary.md", summary_of_comparison(said, loaded, links))
    write_text(folder / "junit.xml", junit(loaded))
    write_text(folder / "comparison.json", _as_json(said, loaded, links))
    html = page("comparison.html", _context(said, loaded, links))
    return write_text(folder / "report.html", html)


def _context(said: Sequence[str], runs: Sequence[Run], links: Sequence[str]) -> dict[str, Any]:
    by_run = dict(zip((id(run) for run in runs), links, strict=True))
    baselines = _baselines(runs)
    return {
        "answer": said,
        "title": f"{listed(_names(runs, 'pattern'))} under {listed(_names(runs, 'experiment'))}",
        "grid": grid(runs, lambda run: by_run[id(run)]),
        "results": _results(runs, links),
        "differences": _differences(runs),
        "latency_picture": latency_rows(
            "baseline", "Latency in the baseline by pattern", list(baselines.items())
        ),
        "latency": _baseline_table(runs, baselines),
        "timelines": _timelines(runs, links),
        "left_out": max(0, len(runs) - _MOST_TIMELINES),
        "runs": _run_list(runs, links),
        "missing": [f"{run.name}: {each}" for run in runs for each in run.missing],
    }


def _link(folder: Path, run: Run) -> str:
    """The relative address of a run's report, so that the folders can move together."""
    path = os.path.relpath((run.folder / "report.html").resolve(), folder.resolve())
    return quote(Path(path).as_posix())


def _as_json(said: Sequence[str], runs: Sequence[Run], links: Sequence[str]) -> str:
    verdicts = [
        run.verdict
        or {"schema": 1, "outcome": "unknown", "why": list(run.missing), "pattern": run.pattern,
            "experiment": run.experiment}
        for run in runs
    ]  # fmt: skip
    value = {"schema": 1, "report": "report.html", "answer": said, "reports": links,
             "runs": verdicts}  # fmt: skip
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _names(runs: Sequence[Run], which: str) -> list[str]:
    return list(dict.fromkeys(str(getattr(run, which)) for run in runs))


def _results(runs: Sequence[Run], links: Sequence[str]) -> Table:
    rows = [_result(run, link) for run, link in zip(runs, links, strict=True)]
    columns = ("run", "promise", "sessions lost", "acknowledged writes lost", "stale reads",
               "doubled", "leaked", "served", "outage", "RTO", "RPO", "p99 baseline",
               "p99 fault")  # fmt: skip
    return table("Every run", columns, rows, numeric=range(2, 13))


def _result(run: Run, link: str) -> list[Cell | str]:
    said = run.verdict

    def part(group: str, lost: str, total: str) -> Cell:
        counted, whole = at(said, group, lost), at(said, group, total)
        note = "" if counted is None or not whole else f"{count(counted)} of {count(whole)}"
        return Cell(share(counted, whole), note, "bad" if counted else "")

    return [
        Cell(run.name, href=link),
        Cell(outcome=run.outcome),
        part("sessions", "lost", "total"),
        part("writes", "lost", "acknowledged"),
        part("reads", "stale", "total"),
        count(at(said, "writes", "duplicated")),
        count(at(said, "reads", "leaked")),
        _served(at(said, "availability", "ratio")),
        seconds(at(said, "availability", "outage_s")),
        seconds(at(said, "recovery", "rto_availability_s")),
        seconds(at(said, "recovery", "rpo_s")),
        milliseconds(at(said, "latency_ms", "baseline", "p99")),
        milliseconds(at(said, "latency_ms", "fault", "p99")),
    ]


def _served(ratio: float | None) -> str:
    return DASH if ratio is None else percent(ratio)


def _run_list(runs: Sequence[Run], links: Sequence[str]) -> Table:
    rows: list[list[str | Cell]] = [
        [
            Cell(run.folder.name, href=link),
            str(run.plan.get("run", DASH)),
            str(run.verdict.get("seed", run.plan.get("seed", DASH))),
            str(run.plan.get("created", DASH)),
            str(run.verdict.get("summary") or " ".join(run.missing) or DASH),
        ]
        for run, link in zip(runs, links, strict=True)
    ]
    return table("The runs", ("folder", "run", "seed", "made", "verdict"), rows)


_LIKE_FOR_LIKE = {
    "scenario": ("scenario", "name"),
    "profile": ("profile", "name"),
    "users": ("load", "users"),
    "planned rate": ("load", "planned_rate"),
    "arrival rate": ("load", "arrival_rate"),
    "timings": ("timings", "column"),
    "baseline (s)": ("phases", "baseline_s"),
    "recovery (s)": ("phases", "recovery_s"),
    "statedrill": ("statedrill",),
    "processors": ("host", "cpus"),
}


def _differences(runs: Sequence[Run]) -> list[str]:
    """What was not the same in all plans: a comparison is like for like or says so."""
    found = []
    for name, path in _LIKE_FOR_LIKE.items():
        values = list(dict.fromkeys(str(at(run.plan, *path)) for run in runs if run.plan))
        if len(values) > 1:
            found.append(f"{name}: {listed(values)}")
    return found


def _baselines(runs: Sequence[Run]) -> dict[str, Mapping[str, Any]]:
    """Pattern -> percentiles of its baseline in milliseconds: the median of its runs."""
    rows = [
        {"pattern": run.pattern, **(at(run.verdict, "latency_ms", "baseline") or {})}
        for run in runs
    ]
    columns = ["p50", "p95", "p99", "p999", "max"]
    frame = pd.DataFrame(rows).reindex(columns=["pattern", *columns])
    frame[columns] = frame[columns].apply(pd.to_numeric)
    middle = frame.groupby("pattern", sort=False)[columns].median()
    return {
        str(pattern): {str(key): float(value) for key, value in row.items() if pd.notna(value)}
        for pattern, row in middle.iterrows()
    }


def _baseline_table(runs: Sequence[Run], baselines: Mapping[str, Mapping[str, Any]]) -> Table:
    rows: list[list[str | Cell]] = []
    for pattern, figures in baselines.items():
        own = [run for run in runs if run.pattern == pattern]
        served = [at(run.verdict, "availability", "ratio") for run in own]
        worst = min((each for each in served if each is not None), default=None)
        rows.append([pattern, count(len(own)),
                     *(milliseconds(figures.get(key)) for key in ("p50", "p95", "p99", "p999")),
                     percent(worst)])  # fmt: skip
    columns = ("pattern", "runs", "p50", "p95", "p99", "p99.9", "lowest availability")
    return table("Latency in the baseline", columns, rows, numeric=range(1, 7))


def _timelines(runs: Sequence[Run], links: Sequence[str]) -> list[tuple[str, str, str, Markup]]:
    """(name, link, outcome, drawing) of each run, all with one rate axis."""
    shown = list(zip(runs, links, strict=True))[:_MOST_TIMELINES]
    every = [series_of(run) for run, _ in shown]
    times = [
        load_axis(time_axis(run.verdict, float(series.index[-1]) if len(series) else 0.0))
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
