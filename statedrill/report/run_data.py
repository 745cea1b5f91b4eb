"""Reads what a run's folder has: plan, verdict, events. What it lacks is said, not guessed.

Knows the folder's layout and the versions of its files; judges nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statedrill.errors import InputError
from statedrill.history.events import Event, read_events
from statedrill.report.formatting import crossed

SCHEMA = 1


@dataclass(frozen=True)
class Run:
    """One run's folder as far as it is there; `missing` has a sentence for what is not."""

    folder: Path
    plan: Mapping[str, Any]
    verdict: Mapping[str, Any]
    events: tuple[Event, ...]
    missing: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """The pattern's name."""
        return str(self.verdict.get("pattern") or at(self.plan, "pattern", "name") or "unknown")

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        named = self.verdict.get("experiment") or at(self.plan, "experiment", "name")
        return str(named or "unknown")

    @property
    def outcome(self) -> str:
        """`held`, `broken` or `unknown`; without a verdict `unknown`."""
        return outcome(self.verdict)

    @property
    def name(self) -> str:
        """What a reader calls this run."""
        return crossed(self.pattern, self.experiment)


def load_run(folder: Path) -> Run:
    """The run in `folder`.

    Raises:
        InputError: no run's folder, or a file in it is damaged or of another version.
    """
    folder = Path(folder)
    plan, verdict = _read(folder / "plan.json"), _read(folder / "verdict.json")
    history = folder / "history"
    if plan is None and verdict is None and not history.is_dir():
        raise InputError(
            f"{folder}: not the folder of a run (no plan.json, no verdict.json, no history)",
            "name a folder such as reports/<time>-<pattern>-<experiment>; "
            "`statedrill run` makes one",
        )
    events = tuple(read_events(history / "events.jsonl"))
    missing = [] if plan is not None else ["There is no plan.json: the inputs are not known."]
    if verdict is None:
        missing.append(
            f"There is no verdict.json: judge the run with `statedrill check {folder.name}`."
        )
        missing += _how_it_ended(events)
    return Run(folder, plan or {}, verdict or {}, events, tuple(missing))


def at(tree: Any, *path: str) -> Any:
    """The value at `path` in nested mappings, or None."""
    for step in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(step)
    return tree


def outcome(finding: Mapping[str, Any]) -> str:
    """The outcome of a verdict, clause or finding; whatever is not one of the three is unknown."""
    said = finding.get("outcome")
    return said if said in ("held", "broken", "unknown") else "unknown"


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    cure = "`statedrill check RUN` writes the verdict anew; a plan must be restored from a copy"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error})", cure) from error
    if not isinstance(value, dict) or value.get("schema", SCHEMA) != SCHEMA:
        found = value.get("schema") if isinstance(value, dict) else type(value).__name__
        raise InputError(f"{path}: schema {found!r}, this version reads schema {SCHEMA}", cure)
    return value


def _how_it_ended(events: tuple[Event, ...]) -> list[str]:
    ends = [each for each in events if each["event"] in ("interrupted", "crash")]
    if ends:
        return [f"The drill ended early: {each['event']} ({each.get('why', 'no reason recorded')})."
                for each in ends]  # fmt: skip
    if not events:
        return ["There is no record of events: the drill may have ended before it began."]
    if not any(each["event"] == "phase" and each.get("phase") == "end" for each in events):
        return ["The record of events stops before the end of the drill."]
    return []
