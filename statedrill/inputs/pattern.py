"""A pattern: how the application is deployed, where its state lives, and what that promises.

Reads one YAML file and validates all of it: every problem is named at once, with its line.
Knows the words of the file; starts nothing and judges nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from statedrill.errors import InputError
from statedrill.vocabulary import FAILURE_DOMAINS, FAMILIES, GUARANTEES

IDEMPOTENT = ("orders",)


@dataclass(frozen=True)
class Promise:
    """What the pattern claims to survive without losing a session or an acknowledged write."""

    survives: tuple[str, ...] = ()
    guarantees: tuple[str, ...] = ()
    idempotent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Application:
    """The program under test: any command that speaks HTTP on $HOST:$PORT."""

    command: tuple[str, ...]
    instances: int = 3
    health: str = "/health"
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Workers:
    """Processes beside the application that take work from the queue."""

    command: tuple[str, ...]
    count: int = 2
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadBalancing:
    """`stickiness`: a cookie binds a user to an instance; otherwise round robin."""

    stickiness: bool = False


@dataclass(frozen=True)
class Services:
    """The managed services that the pattern uses."""

    database: bool = False
    cache: bool = False
    queue: bool = False
    storage: bool = False


@dataclass(frozen=True)
class Pattern:
    """One validated pattern file. `path` is the file it came from."""

    name: str
    family: str
    description: str
    path: Path
    application: Application
    workers: Workers | None
    load_balancer: LoadBalancing
    services: Services
    promise: Promise

    @classmethod
    def read(cls, path: Path) -> Pattern:
        """Read and validate `path`.

        Raises:
            InputError: the file cannot be read, is no YAML, or has problems; all are named.
        """
        return _Reader(path).pattern()

    def with_env(self, extra: Mapping[str, str]) -> Pattern:
        """The same pattern, with `extra` variables for application and workers."""
        application = replace(self.application, env={**self.application.env, **extra})
        workers = self.workers and replace(self.workers, env={**self.workers.env, **extra})
        return replace(self, application=application, workers=workers)

    def as_dict(self) -> dict[str, Any]:
        """The pattern as it stands in plan.json."""
        return {**asdict(self), "path": str(self.path)}


class _Reader:
    """Collects every problem of one file before complaining."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.lines: dict[tuple[str, ...], int] = {}

    def pattern(self) -> Pattern:
        top = self._mapping((), self._document(), _TOP_KEYS)
        built = Pattern(
            name=self._name(top),
            family=self._choice(top, ("family",), FAMILIES, self.path.stem.partition("-")[0]),
            description=self._text(top, ("description",), ""),
            path=self.path,
            application=self._application(top.get("application")),
            workers=self._workers(top["workers"]) if top.get("workers") is not None else None,
            load_balancer=LoadBalancing(**self._flags(top, "load_balancer", ("stickiness",))),
            services=Services(**self._flags(top, "services", tuple(asdict(Services())))),
            promise=self._promise(top.get("promise")),
        )
        if built.workers and not built.services.queue:
            self._problem(("workers",), "workers need a queue: set services.queue to true")
        if self.problems:
            raise InputError(
                f"{self.path}: not a valid pattern",
                "reference_app/patterns/ has examples; README.md names every key",
                self.problems,
            )
        return built

    def _document(self) -> Any:
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{self.path}: cannot be read ({error})", "name an existing pattern file"
            ) from error
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            self._note_lines((), node)
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{self.path}:{mark.line + 1}:{mark.column + 1}" if mark else str(self.path)
            raise InputError(
                f"{where}: not YAML: {getattr(error, 'problem', None) or error}",
                "mend the line; indentation is by spaces, lists are [a, b] or lines with '- '",
            ) from error

    def _note_lines(self, at: tuple[str, ...], node: yaml.Node | None) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            place = (*at, str(key.value))
            if place in self.lines:
                self._problem(place, f"appears twice (also on line {self.lines[place]})")
            self.lines[place] = key.start_mark.line + 1
            self._note_lines(place, value)

    def _problem(self, at: tuple[str, ...], what: str) -> None:
        line = self.lines.get(at) or self.lines.get(at[:-1])
        where = f"line {line}: " if line else ""
        self.problems.append(f"{where}{'.'.join(at) or 'the file'}: {what}")

    def _mapping(self, at: tuple[str, ...], value: Any, allowed: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._problem(at, f"must be a mapping of {', '.join(allowed)}")
            return {}
        for key in value:
            if key not in allowed:
                close = difflib.get_close_matches(str(key), allowed, 1)
                meant = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(allowed)}"
                self._problem((*at, str(key)), f"unknown key; {meant}")
        return value

    def _name(self, top: dict[str, Any]) -> str:
        name = self._text(top, ("name",), self.path.stem)
        if name != self.path.stem:
            self._problem(("name",), f"must equal the file's name, '{self.path.stem}'")
        return name

    def _text(self, inside: dict[str, Any], at: tuple[str, ...], default: str) -> str:
        value = inside.get(at[-1], default)
        if not isinstance(value, str) or (not value and at[-1] in inside):
            self._problem(at, f"must be text, not {value!r}")
            return default
        return value

    def _choice(
        self, inside: dict[str, Any], at: tuple[str, ...], known: tuple[str, ...], default: str
    ) -> str:
        value = inside.get(at[-1], default)
        if value not in known:
            self._problem(at, f"is {value!r}; choose one of {', '.join(known)}")
            return known[0]
        return str(value)

    def _count(self, inside: dict[str, Any], at: tuple[str, ...], default: int, most: int) -> int:
        value = inside.get(at[-1], default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            self._problem(at, f"must be a whole number from 1 to {most}, not {value!r}")
            return default
        return value

    def _command(self, inside: dict[str, Any], at: tuple[str, ...]) -> tuple[str, ...]:
        value = inside.get("command")
        if not isinstance(value, list) or not value or not all(_is_scalar(word) for word in value):
            self._problem(at, "must be a list of words, such as [python, -m, my_app]")
            return ("true",)
        return tuple(str(word) for word in value)

    def _env(self, inside: dict[str, Any], at: tuple[str, ...]) -> dict[str, str]:
        value = inside.get("env") or {}
        if not isinstance(value, dict) or not all(_is_scalar(each) for each in value.values()):
            self._problem(at, "must be a mapping of names to text")
            return {}
        return {str(name): str(each) for name, each in value.items()}

    def _application(self, value: Any) -> Application:
        at = ("application",)
        inside = self._mapping(at, value, ("command", "instances", "health", "env"))
        health = self._text(inside, (*at, "health"), "/health")
        if not health.startswith("/"):
            self._problem((*at, "health"), f"must be a path that begins with '/', not {health!r}")
        return Application(
            command=self._command(inside, (*at, "command")),
            instances=self._count(inside, (*at, "instances"), 3, 12),
            health=health,
            env=self._env(inside, (*at, "env")),
        )

    def _workers(self, value: Any) -> Workers:
        at = ("workers",)
        inside = self._mapping(at, value, ("command", "count", "env"))
        return Workers(
            command=self._command(inside, (*at, "command")),
            count=self._count(inside, (*at, "count"), 2, 12),
            env=self._env(inside, (*at, "env")),
        )

    def _flags(self, top: dict[str, Any], name: str, allowed: tuple[str, ...]) -> dict[str, bool]:
        value = top.get(name)
        inside = self._mapping((name,), {} if value is None else value, allowed)
        for key, each in inside.items():
            if key in allowed and not isinstance(each, bool):
                self._problem((name, key), f"must be true or false, not {each!r}")
        return {key: inside.get(key) is True for key in allowed}

    def _promise(self, value: Any) -> Promise:
        known = {
            "survives": FAILURE_DOMAINS,
            "guarantees": tuple(GUARANTEES),
            "idempotent": IDEMPOTENT,
        }
        inside = self._mapping(("promise",), {} if value is None else value, tuple(known))
        return Promise(**{key: self._words(inside, key, words) for key, words in known.items()})

    def _words(self, inside: dict[str, Any], key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        value = inside.get(key) or []
        if not isinstance(value, list):
            self._problem(("promise", key), f"must be a list of {', '.join(known)}")
            return ()
        for word in value:
            if word not in known:
                self._problem(("promise", key), f"has {word!r}; choose of {', '.join(known)}")
        return tuple(str(word) for word in value if word in known)


_TOP_KEYS = (
    "name",
    "family",
    "description",
    "application",
    "workers",
    "load_balancer",
    "services",
    "promise",
)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
