"""Every input of a drill, resolved and frozen before anything starts.

`make_plan` looks at all inputs, names all problems at once, and returns one value that is written
first and never parsed again. Starts nothing; time and chance come in as arguments.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from statedrill import __version__
from statedrill.errors import CannotPlay, InputError
from statedrill.inputs import discovery
from statedrill.inputs.experiment import Experiment
from statedrill.inputs.options import Options
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.services import SERVICE_OPTIONS, KnownServices
from statedrill.inputs.thresholds import parse_threshold
from statedrill.inputs.timings import Timings
from statedrill.plan.host import host, versions
from statedrill.plan.limits import Limit, check_limits
from statedrill.plan.load_plan import Load, make_load
from statedrill.plan.record import (
    ExperimentRecord,
    FilesRecord,
    HostRecord,
    LoadRecord,
    PatternRecord,
    PhasesRecord,
    PlanRecord,
    TimingsRecord,
)
from statedrill.records import problem
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

    def record(self) -> FilesRecord:
        """The files as they stand in plan.json."""
        return {"name": self.name, "paths": [str(path) for path in self.paths]}


@dataclass(frozen=True)
class Plan:
    """One drill, complete: what plan.json says, as a value."""

    run: str
    created: str
    target: str
    pattern: Pattern
    experiment: Experiment
    scenario: Files
    profile: Files
    load: Load
    phases: Phases
    timings: Timings
    seed: int
    thresholds: tuple[str, ...]
    versions: Mapping[str, str]
    host: HostRecord

    @property
    def title(self) -> str:
        """Pattern and experiment, as they name a run folder."""
        return f"{self.pattern.name}-{self.experiment.name}"

    def record(self) -> PlanRecord:
        """The content of plan.json."""
        return {
            "schema": PLAN_SCHEMA,
            "statedrill": __version__,
            "run": self.run,
            "created": self.created,
            "target": self.target,
            "pattern": cast(PatternRecord, self.pattern.as_dict()),
            "experiment": cast(ExperimentRecord, self.experiment.as_dict()),
            "scenario": self.scenario.record(),
            "profile": self.profile.record(),
            "load": cast(LoadRecord, asdict(self.load)),
            "phases": cast(PhasesRecord, asdict(self.phases)),
            "timings": cast(TimingsRecord, self.timings.as_dict()),
            "seed": self.seed,
            "thresholds": list(self.thresholds),
            "versions": dict(self.versions),
            "host": self.host,
        }

    def write(self, folder: Path) -> Path:
        """Write plan.json into `folder`, which must exist."""
        path = folder / PLAN_FILE
        path.write_text(json.dumps(self.record(), indent=2) + "\n", encoding="utf-8")
        return path


@dataclass(frozen=True)
class Offer:
    """What the target of a drill can do, asked before anything starts.

    `services` has the options of every service it knows, by name in a pattern file; `refusals`
    says why it cannot play an experiment on a pattern, in words (nothing: it can); `limits` how
    many users fit.
    """

    target: str = "local"
    services: KnownServices = field(default_factory=lambda: SERVICE_OPTIONS)
    refusals: Callable[[Pattern, Experiment], Sequence[str]] = lambda pattern, experiment: ()
    limits: Callable[[Load], Sequence[Limit]] = lambda load: ()


def make_plan(options: Options, run: str, created: str, offer: Offer | None = None) -> Plan:
    """Resolve `options` into a plan for the target that makes the `offer` (None: the local one).

    `run` is the id that all its write ids carry, `created` a time in ISO 8601.

    Raises:
        CannotPlay: all inputs are right, but the pattern has nothing that the experiment breaks.
        InputError: names every problem of every input at once.
    """
    offer = offer or Offer()
    problems = _Problems()
    pattern = problems.collect(
        lambda: Pattern.read(discovery.find("pattern", options.pattern), offer.services)
    )
    extra = problems.collect(lambda: dict(_assignment(text) for text in options.env))
    experiment = problems.collect(
        lambda: Experiment.read(discovery.find("experiment", options.experiment))
    )
    scenario = problems.collect(lambda: _files("scenario", options.scenario))
    profile = problems.collect(lambda: _files("profile", options.profile))
    load = problems.collect(lambda: make_load(options))
    if load:
        problems.collect(lambda: check_limits(load, offer.limits(load)))
    phases = problems.collect(lambda: _phases(options))
    timings = problems.collect(lambda: Timings.named(options.timings))
    problems.collect(lambda: _check_seed(options.seed))
    for threshold in options.thresholds:
        problems.collect(partial(parse_threshold, threshold))
    if pattern and experiment:
        problems.collect(lambda: _check_offer(offer, pattern, experiment))
    if problems.errors or not (
        pattern and experiment and scenario and profile and load and phases and timings
    ):
        raise problems.as_one()
    plan = Plan(
        run=run,
        created=created,
        target=offer.target,
        pattern=pattern.with_env(extra or {}),
        experiment=experiment,
        scenario=scenario,
        profile=profile,
        load=load,
        phases=phases,
        timings=timings,
        seed=options.seed,
        thresholds=options.thresholds,
        versions=versions(),
        host=host(),
    )
    if wrong := problem(plan.record(), PlanRecord):
        raise InputError(f"{PLAN_FILE} cannot hold this: {wrong}", "use plain UTF-8 for names")
    return plan


_Value = TypeVar("_Value")


class _Problems:
    """The errors of all inputs, collected before any is raised."""

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    def collect(self, make: Callable[[], _Value]) -> _Value | None:
        try:
            return make()
        except InputError as error:
            self.errors.append(error)
            return None

    def as_one(self) -> InputError:
        """The only error, or one that lists all."""
        if len(self.errors) == 1:
            return self.errors[0]
        listed = [str(error).replace("\n", "\n  ") for error in self.errors]
        return InputError(f"{len(self.errors)} inputs have problems", "", listed)


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**63:
        raise InputError(f"seed: {seed}; must be from 0 to 2^63 - 1", "leave --seed out for 7")


def _check_offer(offer: Offer, pattern: Pattern, experiment: Experiment) -> None:
    if refusals := offer.refusals(pattern, experiment):
        raise CannotPlay(offer.target, pattern.name, experiment.name, refusals)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InputError(f"--env {text!r}: not NAME=VALUE", "for instance --env LOG_LEVEL=debug")
    return name, value


def _files(kind: str, names: str) -> Files:
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    if not chosen:
        raise InputError(f"no {kind} is named", f"`statedrill list` shows every {kind}")
    if kind == "profile" and len(chosen) > 1:
        raise InputError(f"several profiles are named: {names}", "choose one of them")
    paths = tuple(discovery.find(kind, name) for name in chosen)
    modules = [_parsed(kind, path) for path in paths]
    if kind == "scenario" and not any(map(_may_have_users, modules)):
        raise InputError(
            f"{', '.join(map(str, paths))}: no class of users",
            "derive one from statedrill.load.StatefulUser, as scenarios/reader.py does",
        )
    return Files(",".join(Path(name).stem for name in chosen), paths)


def _may_have_users(module: ast.Module) -> bool:
    """Whether a class is derived there, or comes from a module that may derive one."""
    without = {*sys.stdlib_module_names, "locust", "statedrill"}
    return any(
        (isinstance(node, ast.ClassDef) and node.bases)
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] not in without)
        for node in ast.walk(module)
    )


def _parsed(kind: str, path: Path) -> ast.Module:
    """Locust would say what is wrong a minute later, and less clearly. Nothing is executed here."""
    if path.suffix != ".py":
        raise InputError(f"{path}: a {kind} is a Locust file and ends with .py", "rename it")
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        where = f"{path}:{error.lineno}" if error.lineno else str(path)
        raise InputError(f"{where}: no Python: {error.msg}", "mend the line") from error
    except (MemoryError, RecursionError) as error:  # what ast makes of a thousand brackets
        raise InputError(f"{path}: no Python: nested too deeply", "mend the brackets") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no Python: {error}", f"name a {kind} file") from error


def _phases(options: Options) -> Phases:
    phases = Phases(options.warmup_s, options.baseline_s, options.recovery_s, options.run_time_s)
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
