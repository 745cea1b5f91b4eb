"""An experiment: a plain Chaos Toolkit file, read for what a plan must know before it starts.

Names every function that does not exist and every argument it does not take, without importing
or running any of them. The models say no more than that: the full syntax is Chaos Toolkit's own
business, and unknown keys are allowed.
"""

from __future__ import annotations

import ast
import importlib.machinery
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from statedrill.inputs.validation import one_of, or_default, validate
from statedrill.inputs.yaml_file import Place, YamlFile, did_you_mean, shown
from statedrill.vocabulary import FAILURE_DOMAINS


class _Part(BaseModel):
    """A mapping of an experiment file, of which only some keys matter here."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class _Provider(_Part):
    type: str = Field("", description="text")
    module: str = Field("", description="text")
    func: str = Field("", description="text")
    arguments: Any = None


class _Activity(_Part):
    type: str = Field("", description="text")
    name: str = Field("?", description="text")
    provider: _Provider | None = None


_Activities = Annotated[
    list[_Activity], or_default(list), Field([], description="a list of mappings")
]
_Mapping = Annotated[dict[str, Any], or_default(dict), Field({}, description="a mapping")]


class _Hypothesis(_Part):
    probes: _Activities


class _Extension(_Part):
    name: str = Field("", description="text")
    domain: Annotated[str, one_of(FAILURE_DOMAINS)] | None = Field(
        None, description=f"{', '.join(FAILURE_DOMAINS)} or null"
    )


class _ExperimentFile(_Part):
    title: str = Field(description="text")
    description: str = Field(description="text")
    method: list[_Activity] = Field(description="a list of mappings")
    rollbacks: _Activities
    hypothesis: Annotated[_Hypothesis | None, Field(alias="steady-state-hypothesis")] = None
    extensions: Annotated[list[_Extension], or_default(list)] = Field(
        [], description="a list of mappings"
    )
    configuration: _Mapping
    secrets: _Mapping


class Call(NamedTuple):
    """A Python function that an action of the experiment calls."""

    module: str
    func: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Experiment:
    """What breaks. `domain` is None for a control run; `actions` name what is done, in order.

    `calls` are those of the actions that call a Python function.
    """

    name: str
    title: str
    description: str
    path: Path
    domain: str | None
    actions: tuple[str, ...]
    calls: tuple[Call, ...]

    @classmethod
    def read(cls, path: Path) -> Experiment:
        """Read `path` and check every Python function that it names.

        Raises:
            InputError: the file cannot be read, or has problems; all are named.
        """
        file = YamlFile(path, "experiment")
        content = validate(file, _ExperimentFile, file.content)
        if content:
            _note_missing_domain(file, content)
            for place, activity in _activities(content):
                _check_provider(file, place, activity)
        file.raise_problems("experiments/ has examples; `chaos validate` says more")
        assert content is not None
        actions = [each for each in content.method if each.type == "action" and each.provider]
        providers = [each.provider for each in actions if each.provider]
        return cls(
            name=path.stem,
            title=content.title,
            description=content.description,
            path=path,
            domain=next(each.domain for each in content.extensions if each.name == "statedrill"),
            actions=tuple(each.func or "?" for each in providers),
            calls=tuple(
                Call(each.module, each.func, each.arguments or {})
                for each in providers
                if each.type == "python"
            ),
        )

    def as_dict(self) -> dict[str, Any]:
        """The experiment as it stands in plan.json."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "path": str(self.path),
            "domain": self.domain,
            "actions": list(self.actions),
        }


def _note_missing_domain(file: YamlFile, content: _ExperimentFile) -> None:
    if not any(extension.name == "statedrill" for extension in content.extensions):
        file.problem(
            ("extensions",),
            "no entry {name: statedrill, domain: …}: without the failure domain nobody knows "
            "which promise is tested",
        )


def _activities(content: _ExperimentFile) -> Iterator[tuple[Place, _Activity]]:
    """Every probe and action of the file, with its place in it."""
    probes = content.hypothesis.probes if content.hypothesis else []
    for place, activities in (
        (("steady-state-hypothesis", "probes"), probes),
        (("method",), content.method),
        (("rollbacks",), content.rollbacks),
    ):
        for number, activity in enumerate(activities):
            yield (*place, number), activity


def _check_provider(file: YamlFile, place: Place, activity: _Activity) -> None:
    """Note in `file` what is wrong with the Python function that `activity`, at `place`, calls."""
    provider = activity.provider
    if provider is None or provider.type != "python":
        return

    def problem(key: str, what: str) -> None:
        file.problem((*place, "provider", key), f"'{activity.name}': {what}")

    try:
        functions = _functions(provider.module)
    except ModuleNotFoundError:
        problem("module", f"there is no module '{provider.module}'")
        return
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        problem("module", f"module '{provider.module}' is no Python: {error}")
        return
    func, arguments = provider.func, provider.arguments
    if func not in functions:
        known = did_you_mean(func, list(functions)) or f"known: {', '.join(functions)}"
        problem("func", f"{provider.module} has no function '{func}'; {known}")
    elif arguments is not None and not isinstance(arguments, dict):
        problem("arguments", f"must be a mapping, not {shown(arguments)}")
    elif (takes := _arguments(provider.module, func)) is not None:
        for argument in [each for each in arguments or () if each not in takes]:
            known = ", ".join(takes) or "none"
            problem("arguments", f"{func}() takes no argument '{argument}'; it takes: {known}")


def _functions(module: str) -> list[str]:
    """The public functions of `module`, those that it only passes on included, from its source.

    Raises:
        ModuleNotFoundError: there is no such module.
        SyntaxError, ValueError, RecursionError, MemoryError: its source is no Python.
    """
    found: list[str] = []
    for node in ast.parse(_source(module)).body:
        if isinstance(node, ast.ImportFrom):
            found += [each.asname or each.name for each in node.names]
        elif isinstance(node, ast.FunctionDef):
            found.append(node.name)
    return [name for name in found if not name.startswith("_")]


def _arguments(module: str, func: str) -> list[str] | None:
    """The arguments of a function, also of one that `module` passes on; None where any may do."""
    try:
        nodes = ast.parse(_source(module)).body
        for node in nodes:
            if isinstance(node, ast.FunctionDef) and node.name == func:
                takes = [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]
                return None if node.args.kwarg else takes
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for each in node.names:
                    if func == (each.asname or each.name):
                        return _arguments(node.module, each.name)
    except (ModuleNotFoundError, SyntaxError, ValueError, RecursionError, MemoryError):
        pass  # what is passed on from elsewhere is not examined
    return None


def _source(module: str) -> bytes:
    """The source of a module, found without importing the packages around it.

    Raises:
        ModuleNotFoundError: there is no such module, or it is not written in Python.
    """
    parts = module.split(".")
    folders = None
    origin = None
    for length in range(1, len(parts) + 1):
        try:
            spec = importlib.machinery.PathFinder.find_spec(".".join(parts[:length]), folders)
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            raise ModuleNotFoundError(module)
        folders, origin = spec.submodule_search_locations, spec.origin
    if not origin or not origin.endswith(".py"):
        raise ModuleNotFoundError(module)
    return Path(origin).read_bytes()
