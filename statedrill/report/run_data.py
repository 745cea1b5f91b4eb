"""Reads what a run's folder has: plan, verdict, events. What it lacks is named, not guessed.

Knows the folder's layout and the versions of its files; judges nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from statedrill.check.verdict.record import SCHEMA, StoredVerdict, VerdictRecord
from statedrill.errors import InputError, StatedrillError
from statedrill.history.events import Crash, Event, Interrupted, read_events
from statedrill.plan.record import PlanRecord
from statedrill.records import problem
from statedrill.report.formatting import crossed
from statedrill.report.older_files import completed_verdict
from statedrill.run_folder import PLAN_FILE, VERDICT_FILE, read_plan
from statedrill.vocabulary import VerdictOutcome

EVENTS = "history/events.jsonl"
Read = TypeVar("Read")


@dataclass(frozen=True)
class Run:
    """One run's folder as far as it is there; `missing` has a sentence for what is not.

    `verdict` of a run that was not judged (`judged` is false) has the outcome `unknown` and no
    figure.
    """

    folder: Path
    plan: PlanRecord | None
    verdict: StoredVerdict
    events: tuple[Event, ...] = ()
    missing: tuple[str, ...] = ()
    judged: bool = True

    @property
    def pattern(self) -> str:
        """The pattern's name."""
        planned = self.plan["pattern"]["name"] if self.plan else "unknown"
        return self.verdict["pattern"] or planned

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        planned = self.plan["experiment"]["name"] if self.plan else "unknown"
        return self.verdict["experiment"] or planned

    @property
    def seed(self) -> int | None:
        """The drill's seed."""
        planned = self.plan["seed"] if self.plan else None
        return planned if self.verdict["seed"] is None else self.verdict["seed"]

    @property
    def outcome(self) -> VerdictOutcome:
        """What the verdict came to; without a verdict `unknown`."""
        return self.verdict["outcome"]

    @property
    def name(self) -> str:
        """What a reader calls this run."""
        return crossed(self.pattern, self.experiment)


def load_run(folder: Path) -> Run:
    """The run in `folder`.

    Raises:
        InputError: no run's folder, or a file in it is damaged or of another version.
        HistoryError: its events are damaged.
    """
    run, damages = _load(Path(folder))
    if damages:
        raise damages[0]
    return run


def load_readable(folder: Path, failure: str = "") -> Run:
    """What is readable of the run in `folder`: a damaged file counts as one that is not there, and
    `missing` has the reason. `failure` is why the run could not be judged.

    Raises:
        InputError: no run's folder.
    """
    run, damages = _load(Path(folder))
    reasons = [f"{each}." for each in (failure, *(each.message for each in damages)) if each]
    return replace(run, missing=tuple(dict.fromkeys([*reasons, *run.missing])))


def _load(folder: Path) -> tuple[Run, list[StatedrillError]]:
    """What is readable of a run, and what is wrong with the files that are damaged."""
    there = {name for name in (PLAN_FILE, VERDICT_FILE, "history") if (folder / name).exists()}
    if not there:
        raise InputError(
            f"{folder}: not the folder of a run (no plan.json, no verdict.json, no history)",
            "name a folder such as reports/<time>-<pattern>-<experiment>; "
            "`statedrill run` makes one",
        )
    damages: list[StatedrillError] = []

    def read(name: str, reader: Callable[[], Read]) -> Read | None:
        try:
            return reader() if (folder / name).exists() else None
        except StatedrillError as error:
            damages.append(error)
            return None

    plan = read(PLAN_FILE, lambda: read_plan(folder))
    verdict = read(VERDICT_FILE, lambda: _read_verdict(folder / VERDICT_FILE))
    events = tuple(read(EVENTS, lambda: read_events(folder / EVENTS)) or ())
    missing = []
    if PLAN_FILE not in there:
        missing.append("There is no plan.json: the inputs are not known.")
    if VERDICT_FILE not in there:
        missing.append(
            f"There is no verdict.json: judge the run with `statedrill check {folder.name}`."
        )
        missing += _how_it_ended(events)
    names: dict[str, object] = {}
    if plan:
        names = {"pattern": plan["pattern"]["name"], "experiment": plan["experiment"]["name"]}
    unknown = completed_verdict(names)
    judged = verdict is not None
    return Run(folder, plan, verdict or unknown, events, tuple(missing), judged), damages


def _read_verdict(path: Path) -> StoredVerdict:
    cure = "`statedrill check RUN` writes the verdict again"
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged: {error}", cure) from error
    if not isinstance(value, dict) or value.get("schema", SCHEMA) != SCHEMA:
        raise InputError(f"{path}: not a verdict of schema {SCHEMA}", cure)
    verdict = completed_verdict(value)
    if wrong := problem(verdict, VerdictRecord):
        raise InputError(f"{path}: damaged: {wrong}", cure)
    return verdict


def _how_it_ended(events: tuple[Event, ...]) -> list[str]:
    ends: list[Interrupted | Crash] = [
        event for event in events if event["event"] in ("interrupted", "crash")
    ]
    if ends:
        return [f"The drill ended early: {each['event']} ({each['why']})." for each in ends]
    if not events:
        return ["There is no record of events: the drill may have ended before it began."]
    if not any(each["event"] == "phase" and each["phase"] == "end" for each in events):
        return ["The record of events stops before the end of the drill."]
    return []
