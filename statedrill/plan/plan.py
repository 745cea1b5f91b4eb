"""Every input of a drill, resolved and frozen before anything starts.

`make_plan` looks at all inputs, names all problems at once, and returns one value that is written
first and never parsed again. Starts nothing; time and chance come in as arguments.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from statedrill import __version__
from statedrill.errors import InputError
from statedrill.inputs import discovery
from statedrill.inputs.experiment import Experiment
from statedrill.inputs.options import Choices
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.thresholds import parse_threshold
from statedrill.inputs.timings import Timings
from statedrill.plan.host import host, versions
from statedrill.plan.load_plan import Load, make_load
from statedrill.run_folder import PLAN_FILE, PLAN_SCHEMA


@dataclass(frozen=True)
class Phases:
    """How long each part of the drill lasts, in seconds, `run_time_s` without the audit."""

    warmup_s: float
    baseline_s: float
    recovery_s: float
    run_time_s: float


@dataclass(frozen=True)
class Files:
    """One or more Locust files under the name they were chosen by."""

    name: str
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Plan:
    """One drill, complete: what plan.json says, as a value."""

    run: str
    created: str
    pattern: Pattern
    experiment: Experiment
    scenario: Files
    profile: Files
    load: Load
    phases: Phases
    timings: Timings
    seed: int
    thresholds: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    host: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Pattern and experiment, as they name a run folder."""
        return f"{self.pattern.name}-{self.experiment.name}"

    def as_dict(self) -> dict[str, Any]:
        """The content of plan.json."""
        return {
            "schema": PLAN_SCHEMA,
            "statedrill": __version__,
            **asdict(self),
            "pattern": self.pattern.as_dict(),
            "experiment": self.experiment.as_dict(),
            "timings": self.timings.as_dict(),
        }

    def write(self, folder: Path) -> Path:
        """Write plan.json into `folder`, which must exist."""
        path = folder / PLAN_FILE
        text = json.dumps(self.as_dict(), indent=2, default=str)
        path.write_text(text + "\n", encoding="utf-8")
        return path


def make_plan(choices: Choices, run: str, created: str) -> Plan:
    """Resolve `choices` into a plan. `run` is the id that all its write ids carry.

    Raises:
        InputError: names every problem of every input at once.
    """
    problems = _Problems()
    pattern = problems.collect(lambda: Pattern.read(discovery.find("pattern", choices.pattern)))
    extra = problems.collect(lambda: dict(_assignment(text) for text in choices.env))
    experiment = problems.collect(
        lambda: Experiment.read(discovery.find("experiment", choices.experiment))
    )
    scenario = problems.collect(lambda: _files("scenario", choices.scenario))
    profile = problems.collect(lambda: _files("profile", choices.profile))
    load = problems.collect(lambda: make_load(choices))
    phases = problems.collect(lambda: _phases(choices))
    timings = problems.collect(lambda: Timings.named(choices.timings))
    for threshold in choices.thresholds:
        problems.collect(lambda text=threshold: parse_threshold(text))  # type: ignore[misc]
    if pattern and experiment and scenario and profile and load and phases and timings:
        problems.complain()
        return Plan(
            run=run,
            created=created,
            pattern=pattern.with_env(extra or {}),
            experiment=experiment,
            scenario=scenario,
            profile=profile,
            load=load,
            phases=phases,
            timings=timings,
            seed=choices.seed,
            thresholds=choices.thresholds,
            versions=versions(),
            host=host(),
        )
    problems.complain()
    raise AssertionError("an input is missing, yet no problem was named")


_Value = TypeVar("_Value")


class _Problems:
    """Gathers the complaints about all inputs before raising any."""

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    def collect(self, make: Callable[[], _Value]) -> _Value | None:
        try:
            return make()
        except InputError as error:
            self.errors.append(error)
            return None

    def complain(self) -> None:
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise InputError(
                f"{len(self.errors)} inputs have problems",
                "",
                [str(error).replace("\n", "\n  ") for error in self.errors],
            )


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InputError(f"--env {text!r}: not NAME=VALUE", "for instance --env LOG_LEVEL=debug")
    return name, value


def _files(kind: str, names: str) -> Files:
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    if not chosen:
        raise InputError(f"no {kind} is named", f"`statedrill list` shows every {kind}")
    paths = tuple(discovery.find(kind, name) for name in chosen)
    for path in paths:
        _check_python(kind, path)
    return Files(",".join(Path(name).stem for name in chosen), paths)


def _check_python(kind: str, path: Path) -> None:
    """Locust would say it a minute later, and less clearly. Nothing is executed here."""
    if path.suffix != ".py":
        raise InputError(f"{path}: a {kind} is a Locust file and ends with .py", "rename it")
    try:
        ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        where = f"{path}:{error.lineno}" if error.lineno else str(path)
        raise InputError(f"{where}: no Python: {error.msg}", "mend the line") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no Python: {error}", f"name a {kind} file") from error


def _phases(choices: Choices) -> Phases:
    phases = Phases(choices.warmup_s, choices.baseline_s, choices.recovery_s, choices.run_time_s)
    problems = [
        f"{name}: {value:g} s; must be from {least:g} to 86400"
        for name, value, least in (
            ("warm-up", phases.warmup_s, 0.0),
            ("baseline", phases.baseline_s, 1.0),
            ("recovery", phases.recovery_s, 1.0),
            ("run time", phases.run_time_s, 1.0),
        )
        if not least <= value <= 86_400
    ]
    if problems:
        raise InputError("the phases cannot be kept", "see `statedrill run --help`", problems)
    return phases
