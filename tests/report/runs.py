"""Runs to report, as drills and the judge made them: copies of reports/sample, with changes.

A change keeps to the record: a key that the judge never writes is an error of the test.
"""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from typing_extensions import is_typeddict

from statedrill.check.verdict.record import StoredVerdict, VerdictRecord
from statedrill.records import fields, plain, problem
from statedrill.report.older_files import completed_verdict
from statedrill.report.run_data import Run
from statedrill.run_folder import PLAN_FILE, VERDICT_FILE
from tools.sample import SAMPLE


@cache
def _read(pattern: str, experiment: str, name: str) -> Any:
    return json.loads((SAMPLE / f"{pattern}-{experiment}" / name).read_bytes())


def sample_verdict(
    pattern: str = "sticky", experiment: str = "instance-kill", **changes: Any
) -> dict[str, Any]:
    """The judge's verdict on a sample run; `changes` replace whole keys."""
    verdict = deepcopy(_read(pattern, experiment, VERDICT_FILE)) | changes
    assert problem(verdict, VerdictRecord) is None
    assert unknown_keys(verdict, VerdictRecord) == []
    return verdict


def sample_plan(pattern: str = "sticky", experiment: str = "instance-kill") -> dict[str, Any]:
    """The plan of a sample run."""
    return deepcopy(_read(pattern, experiment, PLAN_FILE))


def stored(pattern: str = "sticky", experiment: str = "none", **changes: Any) -> StoredVerdict:
    """A verdict as a reader is given it."""
    return completed_verdict(sample_verdict(pattern, experiment, **changes))


def a_run(pattern: str = "sticky", experiment: str = "none", **changes: Any) -> Run:
    """A run whose folder nobody looks at."""
    plan: Any = sample_plan(pattern, experiment)
    return Run(Path(f"/{pattern}-{experiment}"), plan, stored(pattern, experiment, **changes))


def renamed(run: Run, pattern: str, experiment: str) -> Run:
    """The same run, said to be of another pattern and experiment."""
    verdict: StoredVerdict = {**run.verdict, "pattern": pattern, "experiment": experiment}
    return replace(run, verdict=verdict)


def write_run(
    folder: Path, pattern: str = "sticky", experiment: str = "instance-kill", **changes: Any
) -> Path:
    """A sample run's plan, events and verdict in `folder`; `changes` replace the verdict's keys."""
    sample = SAMPLE / f"{pattern}-{experiment}"
    (folder / "history").mkdir(parents=True)
    shutil.copy(sample / PLAN_FILE, folder)
    shutil.copy(sample / "history" / "events.jsonl", folder / "history")
    write_json(folder / VERDICT_FILE, sample_verdict(pattern, experiment, **changes))
    return folder


def write_plain_run(folder: Path, **changes: Any) -> Path:
    """A run's folder with nothing to draw in it: quick to report."""
    write_run(folder, findings=[], latency_ms={}, **changes)
    verdict = json.loads((folder / VERDICT_FILE).read_bytes())
    del verdict["series"]
    write_json(folder / VERDICT_FILE, verdict)
    return folder


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


def unknown_keys(value: object, kind: Any) -> list[str]:
    """The keys within `value` that its record does not have."""
    kind = plain(kind)
    if is_typeddict(kind) and isinstance(value, dict):
        known = fields(kind)
        inside = (unknown_keys(value[key], known[key][0]) for key in value if key in known)
        return [*(set(value) - set(known)), *(each for keys in inside for each in keys)]
    if get_origin(kind) in (list, dict) and isinstance(value, (list, dict)):
        items = value.values() if isinstance(value, dict) else value
        return [key for each in items for key in unknown_keys(each, get_args(kind)[-1])]
    return []
