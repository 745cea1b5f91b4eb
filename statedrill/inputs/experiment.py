"""An experiment: a plain Chaos Toolkit file, read for what a plan must know before it starts.

Names every function that does not exist and every argument it does not take, without importing
or running any of them. The full syntax is Chaos Toolkit's own business.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from statedrill.errors import InputError
from statedrill.vocabulary import FAILURE_DOMAINS


@dataclass(frozen=True)
class Experiment:
    """What breaks. `domain` is None for a control run; `actions` are the functions it calls."""

    name: str
    title: str
    description: str
    path: Path
    domain: str | None
    actions: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Experiment:
        """Read `path` and check every Python function that it names.

        Raises:
            InputError: the file cannot be read, or has problems; all are named.
        """
        content = _document(path)
        problems = [
            f"{key}: missing" for key in ("title", "description", "method") if key not in content
        ]
        problems += _shape_problems(content)
        domain = None
        if not problems:
            domain = _domain(content, problems)
            for activity in _activities(content):
                problems += _provider_problems(activity)
        if problems:
            raise InputError(
                f"{path}: not a valid experiment",
                "experiments/ has examples; `chaos validate` says more",
                problems,
            )
        faults = [
            each
            for each in content["method"]
            if each.get("type") == "action" and isinstance(each.get("provider"), dict)
        ]
        return cls(
            name=path.stem,
            title=str(content["title"]),
            description=str(content["description"]),
            path=path,
            domain=domain,
            actions=tuple(str(each["provider"].get("func", "?")) for each in faults),
        )

    def as_dict(self) -> dict[str, Any]:
        """The experiment as it stands in plan.json."""
        return {**asdict(self), "path": str(self.path)}


def _document(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error})", "name an existing file") from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise InputError(
            f"{where}: cannot be parsed: {getattr(error, 'problem', None) or error}",
            "mend the line",
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: an experiment is a mapping", "see experiments/ for examples")
    return content


def _shape_problems(content: dict[str, Any]) -> list[str]:
    """What is not the list or mapping that Chaos Toolkit takes it for."""
    hypothesis = content.get("steady-state-hypothesis")
    mappings = {
        "steady-state-hypothesis": hypothesis,
        "configuration": content.get("configuration"),
        "secrets": content.get("secrets"),
    }
    lists = {name: content.get(name) for name in ("extensions", "method", "rollbacks")}
    if isinstance(hypothesis, dict):
        lists["steady-state-hypothesis.probes"] = hypothesis.get("probes")
    problems = [
        f"{name}: must be a mapping, not {value!r}"
        for name, value in mappings.items()
        if value is not None and not isinstance(value, dict)
    ]
    for name, value in lists.items():
        if value is None and not (name == "method" and "method" in content):
            continue
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            problems.append(f"{name}: must be a list of mappings, not {value!r}")
    return problems


def _domain(content: dict[str, Any], problems: list[str]) -> str | None:
    for extension in content.get("extensions") or []:
        if extension.get("name") == "statedrill":
            domain = extension.get("domain")
            if domain is not None and domain not in FAILURE_DOMAINS:
                problems.append(
                    f"extensions: domain is {domain!r}; "
                    f"choose one of {', '.join(FAILURE_DOMAINS)} or null"
                )
            return domain if isinstance(domain, str) else None
    problems.append(
        "extensions: no entry {name: statedrill, domain: …}: without the failure domain nobody "
        "knows which promise is tested"
    )
    return None


def _activities(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    hypothesis = content.get("steady-state-hypothesis") or {}
    lists = (hypothesis.get("probes"), content.get("method"), content.get("rollbacks"))
    for activities in lists:
        for activity in activities or []:
            if "provider" in activity:
                yield activity


def _provider_problems(activity: dict[str, Any]) -> list[str]:
    provider = activity["provider"]
    if not isinstance(provider, dict) or provider.get("type") != "python":
        return []
    name, module = activity.get("name", "?"), str(provider.get("module", ""))
    try:
        functions = _functions(module)
    except (SyntaxError, ValueError) as error:
        return [f"'{name}': module '{module}' is no Python: {error}"]
    except ModuleNotFoundError:
        return [f"'{name}': there is no module '{module}'"]
    func = str(provider.get("func", ""))
    if func not in functions:
        close = difflib.get_close_matches(func, functions, 1)
        meant = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(functions)}"
        return [f"'{name}': {module} has no function '{func}'; {meant}"]
    takes, arguments = functions[func], provider.get("arguments") or {}
    if not isinstance(arguments, dict):
        return [f"'{name}': arguments: must be a mapping, not {arguments!r}"]
    told = ", ".join(takes or ()) or "none"
    return [
        f"'{name}': {func}() takes no argument '{argument}'; it takes: {told}"
        for argument in (arguments if takes is not None else ())
        if argument not in (takes or ())
    ]


def _functions(module: str) -> dict[str, list[str] | None]:
    """Public functions of `module` and their arguments, from its source.

    Of a function that the module only passes on, or that takes `**any`, the arguments are None.

    Raises:
        ModuleNotFoundError: there is no such module.
        SyntaxError, ValueError: its source is no Python.
    """
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise ModuleNotFoundError(module)
    found: dict[str, list[str] | None] = {}
    for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            found.update({each.asname or each.name: None for each in node.names})
        elif isinstance(node, ast.FunctionDef):
            takes = [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]
            found[node.name] = None if node.args.kwarg else takes
    return {name: takes for name, takes in found.items() if not name.startswith("_")}
