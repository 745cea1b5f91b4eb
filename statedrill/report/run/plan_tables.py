"""The plan as tables: every input of the drill, the versions, the host, the timings.

Also the plain figures of the verdict under their own names, and the files of the run. Shows keys
that it does not know, too; judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from statedrill.check.verdict.record import StoredVerdict
from statedrill.plan.record import PlanRecord
from statedrill.report.formatting import exact
from statedrill.report.run_data import Run
from statedrill.report.table import Table, table

# In the order in which a reader asks; whatever else a plan has comes after.
_GROUPS = {
    "pattern": "Pattern",
    "experiment": "Experiment",
    "scenario": "Scenario",
    "profile": "Profile",
    "load": "Load",
    "phases": "Phases",
    "timings": "Timings",
    "versions": "Versions",
    "host": "Host",
}


def plan_tables(record: PlanRecord) -> list[Table]:
    """One table of plain facts, then one per group."""
    plan: Mapping[str, Any] = record
    plain = {key: value for key, value in plan.items() if not isinstance(value, Mapping)}
    groups = [key for key in _GROUPS if isinstance(plan.get(key), Mapping)]
    groups += [key for key in plan if isinstance(plan[key], Mapping) and key not in _GROUPS]
    tables = [_table("Drill", plain)]
    tables += [_table(_GROUPS.get(key, key), plan[key]) for key in groups]
    return [each for each in tables if each]


def figures_table(verdict: StoredVerdict) -> Table:
    """Every plain figure of the verdict under its own name, as verdict.json has it."""
    lists = ("series", "findings", "promise", "thresholds", "faults", "phases")
    shown = {key: value for key, value in verdict.items() if key not in lists}
    return table("Every figure of verdict.json", ("figure", "value"), _flat(shown), numeric=(1,))


def files_of(run: Run) -> list[tuple[str, str]]:
    """(relative link, what it is) of the files in the run's folder that are there."""
    known = {
        "plan.json": "every input, written before anything started",
        "verdict.json": "the verdict, for programs",
        "summary.md": "the verdict for a pull request",
        "junit.xml": "the verdict for a build server",
        "history": "every operation and every cluster event",
        "logs": "one file for every process of the cluster",
        "raw": "what Locust and Chaos Toolkit wrote, untouched",
    }
    made = ("summary.md", "junit.xml")
    return [
        (name + "/" * (run.folder / name).is_dir(), text)
        for name, text in known.items()
        if name in made or (run.folder / name).exists()
    ]


def _table(caption: str, facts: Mapping[str, Any]) -> Table:
    return table(caption, ("input", "value"), _flat(facts))


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in facts.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            for number, each in enumerate(value, start=1):
                yield from _flat(each, f"{name}.{number}.")
        else:
            yield name, "none" if value in ({}, []) else _plain(key, value)


def _plain(key: str, value: Any) -> str:
    # A seed, a port or a schema number is a name: no thousands apart.
    if isinstance(value, int) and not isinstance(value, bool) and key in ("seed", "schema", "pid"):
        return str(value)
    return exact(value)
