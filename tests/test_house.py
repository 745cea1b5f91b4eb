"""The house rules: who may import whom, how long things are, and what everything says of itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_MODULE_LINES = 300
MOST_FUNCTION_LINES = 70

# A unit is a room (a file or folder of statedrill/) or a sub-package that has a row of its own. A
# unit may import the units of its row, and whatever is inside of them without a row of its own.
MAY_IMPORT = {
    "errors": set(),
    "vocabulary": set(),
    "quantile": set(),
    "records": set(),
    "plan/record": set(),
    "run_folder": {"errors", "records", "plan/record"},
    "history": {"errors", "records", "vocabulary"},
    "inputs/arrival_rate": {"errors"},
    "inputs": {"errors", "vocabulary"},
    "plan": {
        *("errors", "vocabulary", "records", "run_folder", "inputs", "inputs/arrival_rate"),
        "plan/record",
    },
    "check/numeric": {"quantile"},
    "check/clauses": {"vocabulary"},
    "check/outcome": {"errors", "vocabulary"},
    "check/unplanned_exits": {"history"},
    "check/context": {
        *("history", "inputs", "plan/record", "check/numeric", "check/unplanned_exits"),
    },
    "check/metrics/record": {"vocabulary"},
    "check/verdict/record": {"vocabulary", "check/metrics/record"},
    "check/aggregate": {"check/verdict/record", "check/numeric"},
    "check/index": {"history", "vocabulary", "check/verdict/record", "check/numeric"},
    "check/relations": {"history", "vocabulary", "check/numeric", "check/index"},
    "check/search": {"history", "vocabulary"},
    "check/checks": {
        *("history", "vocabulary", "check/clauses", "check/context", "check/aggregate"),
        *("check/numeric", "check/index", "check/relations"),
    },
    "check/metrics": {
        *("history", "vocabulary", "inputs", "plan/record"),
        *("check/metrics/record", "check/numeric"),
        *("check/index", "check/relations", "check/context", "check/aggregate", "check/checks"),
    },
    "check/run_checks": {
        *("history", "vocabulary", "check/context", "check/aggregate"),
        *("check/numeric", "check/index", "check/checks"),
    },
    "check/consequences": {
        *("history", "vocabulary", "check/aggregate"),
        *("check/numeric", "check/index", "check/relations", "check/checks", "check/run_checks"),
    },
    "check/partition": {
        *("history", "vocabulary", "check/context", "check/aggregate", "check/consequences"),
        *("check/numeric", "check/index", "check/checks", "check/metrics", "check/run_checks"),
    },
    "check/check_history": {
        *("errors", "history", "check/context", "check/aggregate", "check/metrics"),
        "check/partition",
    },
    "check/verdict": {
        *("history", "vocabulary", "plan/record", "check/metrics/record", "check/verdict/record"),
        *("check/clauses", "check/context", "check/aggregate", "check/numeric", "check/checks"),
        *("check/metrics", "check/check_history", "check/unplanned_exits"),
    },
    "check": {
        *("history", "plan/record", "check/outcome", "check/verdict/record", "check/verdict"),
    },
    "processes": {"errors", "history"},
    "control": {"errors", "processes"},
    # What experiments import, and so every fault, is light; the rest is for targets only.
    "faults": {"errors", "control", "vocabulary"},
    "faults/arguments": {"errors"},
    "faults/ledger": {"errors", "faults"},
    "faults/injector": {
        *("errors", "history", "control", "faults", "faults/arguments", "faults/ledger"),
    },
    "cluster/waiting": set(),
    "cluster/binaries": {"errors"},
    "cluster/network": {"errors", "processes"},
    "cluster/context": {"inputs", "processes", "vocabulary", "cluster/network"},
    "cluster/routing": {
        *("errors", "inputs", "processes"),
        *("cluster/waiting", "cluster/binaries", "cluster/network", "cluster/context"),
    },
    "cluster/compute": {
        *("errors", "history", "inputs", "processes", "vocabulary"),
        *("cluster/waiting", "cluster/binaries"),
        *("cluster/network", "cluster/context", "cluster/routing"),
    },
    "cluster/services": {
        *("errors", "vocabulary", "inputs", "processes", "cluster/waiting", "cluster/binaries"),
        *("cluster/network", "cluster/context", "cluster/routing"),
    },
    "cluster": {
        *("errors", "history", "vocabulary", "inputs", "plan", "processes", "control", "faults"),
        *("faults/ledger", "faults/injector", "cluster/waiting", "cluster/binaries"),
        *("cluster/network", "cluster/context", "cluster/routing", "cluster/compute"),
        "cluster/services",
    },
    "load/contract": {"vocabulary"},
    "load/settings": {"errors"},
    "load/signals": set(),
    "load/http": {"errors"},
    "load/recording": {"history", "quantile", "load/contract"},
    "load/session": {"history", "vocabulary", "load/contract", "load/http", "load/recording"},
    "load/profiles": {"history", "load/settings"},
    "load/arrivals": {
        *("history", "inputs/arrival_rate"),
        *("load/settings", "load/profiles", "load/recording"),
    },
    "load/load_process": {
        *("history", "control"),
        *("load/settings", "load/http", "load/recording", "load/session"),
    },
    "load/distributed": {"errors", "history", "load/settings", "load/load_process"},
    "load/options": {"inputs/arrival_rate"},
    "load/locust_hooks": {
        *("errors", "history", "control"),
        *("load/contract", "load/settings", "load/signals", "load/options"),
        *("load/http", "load/recording", "load/profiles", "load/arrivals"),
        *("load/load_process", "load/distributed"),
    },
    "load/users": {
        *("errors", "inputs/arrival_rate", "load/contract", "load/settings", "load/http"),
        *("load/session", "load/profiles", "load/arrivals", "load/locust_hooks"),
    },
    "load/target_health": {"control"},
    "load/audit": {
        *("errors", "history", "load/contract", "load/settings", "load/signals"),
        *("load/session", "load/load_process", "load/target_health"),
    },
    "load": {"load/profiles", "load/users"},
    "report": {
        *("errors", "history", "vocabulary", "records", "run_folder"),
        *("plan/record", "check/checks", "check/metrics/record", "check/verdict/record"),
    },
    "report/figures": {"report", "check/metrics/record", "check/verdict/record"},
    "report/text": {"report", "vocabulary", "check/metrics/record", "check/verdict/record"},
    "report/run": {
        *("history", "vocabulary", "plan/record", "check/metrics/record", "check/verdict/record"),
        *("report", "report/figures", "report/text"),
    },
    "report/comparison": {
        *("errors", "vocabulary", "plan/record", "check/metrics/record", "check/verdict/record"),
        *("report", "report/figures", "report/text", "report/run"),
    },
    "target": {"history", "processes"},
    "drill": {
        *("errors", "history", "vocabulary", "quantile", "inputs", "plan", "processes", "target"),
    },
    "cli": {
        *("errors", "run_folder", "inputs", "plan", "history", "cluster", "drill", "check"),
        *("check/verdict/record", "check/search"),
        *("report/text", "report/run", "report/comparison", "faults"),
        *("check/checks", "cluster/services"),
    },
    "__main__": {"cli"},
}
# The same for the application under test, folder by folder.
SERVICE_CLIENTS = {"aws", "memcached", "postgres", "valkey"}
APPLICATION_MAY_IMPORT = {
    "environment": set(),
    "outages": set(),
    "model": set(),
    "settings": {"environment"},
    **{each: {"model", "outages"} for each in SERVICE_CLIENTS},
    "memcached": {"environment", "model", "outages"},
    "stores": {"environment", "model", "outages", *SERVICE_CLIENTS},
    "shop": {"model", "outages", "stores", *SERVICE_CLIENTS},
    "bugs": {"model", "outages", "stores", "shop", *SERVICE_CLIENTS},
    "worker": {"environment", "model", "outages", "settings", *SERVICE_CLIENTS},
    "web": {
        *("environment", "model", "outages", "settings", "stores", "shop", "bugs"),
        *SERVICE_CLIENTS,
    },
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
    return path.relative_to(ROOT / "statedrill").parts[0].removesuffix(".py")


def unit_of(parts: Sequence[str]) -> str:
    """The row of MAY_IMPORT for a module: the longest one that it lies in."""
    for length in range(len(parts), 0, -1):
        if (row := "/".join(parts[:length])) in MAY_IMPORT:
            return row
    raise AssertionError(f"no row of MAY_IMPORT for {'/'.join(parts)}")


def unit(path: Path) -> str:
    parts = path.relative_to(ROOT / "statedrill").with_suffix("").parts
    return unit_of(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: imports are written out in full"
            if node.module in ("statedrill", "reference_app"):
                yield from (f"{node.module}.{each.name}" for each in node.names)
            yield node.module or ""


def units_imported(path: Path) -> set[str]:
    found = set()
    for module in imports(path):
        parts = module.split(".")[1:] if module.startswith("statedrill.") else []
        if parts and parts != ["__version__"]:
            found.add(unit_of(parts))
    return found


ROOMS = [path for path in SOURCES if path.is_relative_to(ROOT / "statedrill")]


@pytest.mark.parametrize(
    "path",
    [each for each in ROOMS if each.parent.name != "statedrill" or each.stem in MAY_IMPORT],
    ids=name,
)
def test_a_unit_imports_only_the_units_it_may(path: Path) -> None:
    here = unit(path)
    assert units_imported(path) - {here} <= MAY_IMPORT[here]


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


@pytest.mark.parametrize("path", sorted((ROOT / "reference_app").rglob("*.py")), ids=name)
def test_a_part_of_the_application_imports_only_the_parts_it_may(path: Path) -> None:
    here = path.relative_to(ROOT / "reference_app").parts[0].removesuffix(".py")
    parts = [
        module.split(".")[1:2] for module in imports(path) if module.startswith("reference_app.")
    ]
    if here != "__init__":
        assert {part for each in parts for part in each} - {here} <= APPLICATION_MAY_IMPORT[here]


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


def test_every_module_that_make_or_a_document_runs_is_there() -> None:
    for path in (ROOT / "Makefile", *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for module in re.findall(r"-m ((?:tools|tests|statedrill)[\w.]*)", path.read_text()):
            place = ROOT / module.replace(".", "/")
            found = place.with_suffix(".py").exists() or (place / "__main__.py").exists()
            assert found, f"{name(path)} runs {module}"
