"""Each example of docs/extending.md is one file and one row, and a real drill shows them all."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "extending.md"
DIFFS = re.findall(r"^### ([^\n]+)\n.*?^```diff\n(.*?)^```$", GUIDE.read_text(), re.S | re.M)
KINDS = ("A check", "A service", "A fault", "A store", "A planted bug", "An output of a run")

PATTERN = """
name: toy
family: sticky
description: A journal beside the memory, parameters, and a bug
application:
  command: [python, shop.py]
  env: {SESSION_STORE: journal, JOURNAL: journal.txt, BUGS: "forget-preferences:3"}
services: {database: true, cache: true, storage: true, parameters: {values: {greeting: hello}}}
load_balancer: {stickiness: true}
promise: {guarantees: [read_your_writes]}
"""
SHOP = """
import os, runpy
print("parameters at", os.environ["PARAMETERS_URL"], flush=True)
runpy.run_module("reference_app.web", run_name="__main__")
"""
EXPERIMENT = """
title: The parameters are deleted
description: Somebody deletes every parameter; the drill restores them.
extensions: [{name: statedrill, domain: storage}]
method:
  - type: action
    name: delete the parameters
    provider: {type: python, module: statedrill.faults.delete_parameters, func: delete_parameters}
"""
SHORT = ("-u", "30", "-t", "6s", "--warmup", "1s", "--baseline", "2s", "--recovery", "1s")


@pytest.mark.parametrize(("title", "diff"), DIFFS, ids=[title for title, _ in DIFFS])
def test_an_example_is_one_new_file_and_one_row_of_a_table(title: str, diff: str) -> None:
    added = Counter(re.findall(r"^\+\+\+ b/(\S+)$", diff, re.M))
    new = set(re.findall(r"^--- /dev/null\n\+\+\+ b/(\S+)$", diff, re.M))
    code = [path for path in added if path.endswith(".py")]
    assert len(new) == 1, title
    assert len(code) == 2, f"{title}: the file and its table"
    (table,) = set(code) - new
    rows = diff.partition(f"+++ b/{table}\n")[2].partition("\ndiff --git")[0]
    changed = [line for line in rows.splitlines() if re.match(r"[+-](?![+-])", line)]
    assert len([line for line in changed if not line.startswith("+from ")]) <= 2, changed


def test_the_guide_has_an_example_of_every_kind() -> None:
    assert tuple(title for title, _ in DIFFS) == KINDS


def extended(folder: Path) -> Path:
    """A copy of the project with the examples of the guide in it."""
    copy = folder / "project"
    for name in ("statedrill", "reference_app", "scenarios", "experiments", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for title, diff in DIFFS:
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            cwd=copy, input=diff, text=True, capture_output=True, check=False,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder)},
        )  # fmt: skip
        assert done.returncode == 0, f"{title} no longer applies: {done.stderr}"
    return copy


def statedrill(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "statedrill", *words],
        cwd=project.parent, env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip


@pytest.mark.drill
def test_what_one_file_and_one_row_add_is_everywhere_where_it_must_be(tmp_path: Path) -> None:
    project = extended(tmp_path)
    for name, text in (
        ("toy.yaml", PATTERN), ("shop.py", SHOP), ("parameters-lost.yaml", EXPERIMENT),
    ):  # fmt: skip
        (tmp_path / name).write_text(text)

    listed = json.loads(statedrill(project, "list", "--json").stdout)
    names = {(row["kind"], row["name"]) for row in listed}
    assert names >= {
        ("fault", "delete_parameters"), ("check", "shrinking-orders"), ("service", "parameters"),
    }  # fmt: skip

    refused = statedrill(
        project, "run", "--pattern", "distributed", "--experiment", "parameters-lost.yaml"
    )
    assert refused.returncode == 104
    assert "pattern distributed has no parameters" in refused.stderr

    done = statedrill(
        project, "run", "--pattern", "toy.yaml", "--experiment", "parameters-lost.yaml", *SHORT,
        "--scenario", "shopper", "--reports", str(tmp_path / "reports"), "--headless", "--json",
    )  # fmt: skip
    assert done.returncode in (3, 99), done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    (run,) = (tmp_path / "reports").iterdir()
    findings = {each["check"]: each for each in verdict["findings"]}

    # The check, and the bug that the older checks catch.
    assert findings["shrinking-orders"]["opportunities"] > 0
    assert findings["shrinking-orders"]["outcome"] == "held"
    assert findings["lost-writes"]["violations"] + findings["read-your-writes"]["violations"] > 0
    logs = "".join(path.read_text(errors="replace") for path in (run / "logs").glob("*.log"))
    assert "bug forget-preferences: forgot" in logs
    # The service tells every instance where it is; the store writes its journal.
    assert re.search(r"^parameters at http://127\.\d+\.0\.90:\d+$", logs, re.M)
    assert (tmp_path / "journal.txt").read_text().count("\n") > 0
    # The fault was proved, undone, and has its sentence in the report.
    (fault,) = verdict["faults"]
    assert fault["name"] == "delete_parameters"
    assert fault["proof"] == "the store lists 0 parameters"
    assert fault["end_s"] is not None
    page = (run / "report.html").read_text()
    assert "the parameters were deleted" in page
    assert "A list of orders that is shorter" in page, "the glossary has no entry of the check"
    # The output.
    assert "shrinking-orders,held,0," in (run / "findings.csv").read_text()
