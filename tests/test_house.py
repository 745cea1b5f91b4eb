"""The house rules: who may import whom, how long things are, and what everything says of itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_MODULE_LINES = 300
MOST_FUNCTION_LINES = 70

# room -> the rooms of statedrill that it may import. A single file at the top is a room too.
MAY_IMPORT = {
    "errors": set(),
    "timings": {"errors"},
    "thresholds": {"errors"},
    "history": {"errors"},
    "pattern": {"errors"},
    "experiment": {"errors", "pattern"},
    "catalogue": {"errors"},
    "run_folder": {"errors"},
    "host": set(),
    "choices": set(),
    "workload": {"errors", "choices"},
    "plan": {
        *("errors", "choices", "workload", "pattern", "experiment", "catalogue", "host"),
        *("timings", "thresholds"),
    },
    "check": {"errors", "history", "pattern", "thresholds"},
    "cluster": {"errors", "history", "pattern", "plan", "timings"},
    "faults": set(),
    "load": {"errors", "history"},
    "report": {"errors", "history", "check", "plan", "pattern", "run_folder"},
    "drill": {"errors", "history", "plan", "cluster", "thresholds"},
    "arguments": {"errors", "choices"},
    "printing": {"report"},
    "entry": {"cli", "errors"},
}
ONLY_IN = {"locust": "load", "chaoslib": None, "chaostoolkit": None, "reference_app": None}
NOT_IN_CHECK = {"socket", "time", "pathlib", "os", "subprocess", "threading", "shutil", "tempfile"}

SOURCES = sorted(
    path
    for folder in ("statedrill", "reference_app", "scenarios")
    for path in (ROOT / folder).rglob("*.py")
)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room(path: Path) -> str:
    parts = path.relative_to(ROOT / "statedrill").parts
    return parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: imports are written out in full"
            if node.module in ("statedrill", "reference_app"):
                yield from (f"{node.module}.{each.name}" for each in node.names)
            yield node.module or ""


def rooms_imported(path: Path) -> set[str]:
    return {
        module.split(".")[1]
        for module in imports(path)
        if module.startswith("statedrill.") and module.split(".")[1] != "__version__"
    }


ROOMS = [path for path in SOURCES if path.is_relative_to(ROOT / "statedrill")]


@pytest.mark.parametrize("path", ROOMS, ids=name)
def test_a_room_imports_only_the_rooms_it_may(path: Path) -> None:
    here = room(path)
    if here in ("cli", "__init__"):
        return
    assert rooms_imported(path) - {here} <= MAY_IMPORT[here]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_programs_that_are_children_are_never_imported(path: Path) -> None:
    where = room(path) if path in ROOMS else path.relative_to(ROOT).parts[0]
    for module in imports(path):
        top = module.partition(".")[0]
        if top in ONLY_IN and where not in (ONLY_IN[top], top, "scenarios"):
            pytest.fail(f"{name(path)} imports {module}")


@pytest.mark.parametrize("path", [p for p in ROOMS if room(p) == "check"], ids=name)
def test_the_judge_touches_no_file_socket_or_clock(path: Path) -> None:
    assert not {module.partition(".")[0] for module in imports(path)} & NOT_IN_CHECK


def test_the_application_under_test_knows_nothing_of_statedrill() -> None:
    for path in (ROOT / "reference_app").rglob("*"):
        if path.suffix in (".py", ".yaml"):
            assert "statedrill" not in path.read_text().lower(), name(path)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_modules_and_functions_stay_short_enough_to_read(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_MODULE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MOST_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), name(path)
