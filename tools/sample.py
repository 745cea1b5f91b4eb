"""Makes reports/sample anew from its own history: `make sample`.

`make sample FROM="reports/…-sticky-instance-kill …"` takes new runs in first: what is checked in of
a run is its plan, its packed history and its events, and everything else is made from them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from statedrill.check import judge
from statedrill.history.store import History
from statedrill.report.comparison.page import load_runs, write_comparison
from statedrill.report.run.outputs import write_report
from statedrill.run_folder import read_plan, write_verdict

SAMPLE = Path(__file__).resolve().parent.parent / "reports" / "sample"
# The order in which they are compared, everywhere: from the simplest, and from no failure at all.
PATTERNS = ("sticky", "distributed", "decoupled")
EXPERIMENTS = ("none", "instance-kill", "cache-flush", "zone-outage")
ORDER = [f"{pattern}-{experiment}" for pattern in PATTERNS for experiment in EXPERIMENTS]
KEPT = ("plan.json", "history/operations.parquet", "history/events.jsonl")


def take(run: Path) -> None:
    """Copy what a sample needs of `run` into reports/sample/<pattern>-<experiment>/."""
    History.open(run / "history")
    plan = read_plan(run)
    home = SAMPLE / f"{plan['pattern']['name']}-{plan['experiment']['name']}"
    shutil.rmtree(home, ignore_errors=True)
    (home / "history").mkdir(parents=True)
    for name in (*KEPT, *(f"history/{path.name}" for path in run.glob("history/load-*.jsonl"))):
        text = (run / name).read_bytes()
        if name == "plan.json":
            text = _without_paths(text)
        (home / name).write_bytes(text)


def rebuild(folder: Path = SAMPLE) -> list[Path]:
    """Judge and report every run of `folder` anew, then compare them; returns the pages."""
    made = (path.parent for path in folder.glob("*/plan.json"))
    runs = sorted(made, key=lambda run: (run.name not in ORDER, [*ORDER, run.name].index(run.name)))
    for run in runs:
        write_verdict(run, judge(History.open(run / "history"), read_plan(run)))
    pages = [write_report(run) for run in runs]
    comparison = folder / "comparison"
    comparison.mkdir(exist_ok=True)
    return [*pages, write_comparison(comparison, load_runs(runs))]


def _without_paths(plan: bytes) -> bytes:
    """The plan as it would be made in a checkout at /statedrill: no path of a real machine."""
    return plan.replace(str(SAMPLE.parent.parent).encode(), b"/statedrill")


if __name__ == "__main__":
    for each in sys.argv[1:]:
        take(Path(each))
    for page in rebuild():
        print(page)
