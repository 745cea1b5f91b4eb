"""A fault that outlives a killed drill is undone by the next start, and by every ordinary end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from statedrill.errors import HELD, UNKNOWN
from tests.drill.conftest import SHORT, children_of
from tests.drill.test_drill import OWN_WORDS, the_run
from tests.support.processes import Child
from tests.support.waiting import wait_until

pytestmark = pytest.mark.drill

Start = Callable[..., Child]
PROGRAM = "tests.drill.with_toy_fault"


def toy_experiment(folder: Path, made: Path) -> Path:
    """An experiment with a method and nothing else, which breaks something outside the cluster."""
    action = {
        "type": "action",
        "name": "make a file",
        "provider": {
            "type": "python",
            "module": "tests.faults.toy_fault",
            "func": "toy",
            "arguments": {"path": str(made)},
        },
        "pauses": {"after": 3},
    }
    content = {
        "title": "a file is made",
        "description": "and stays until it is undone",
        "extensions": [{"name": "statedrill", "domain": "storage"}],
        "method": [action],
    }
    path = folder / "toy.json"
    path.write_text(json.dumps(content))
    return path


def test_a_drill_undoes_a_fault_that_its_experiment_leaves_open(
    command: Start, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    words = ("run", *OWN_WORDS, "--experiment", str(toy_experiment(tmp_path, made)), *SHORT)
    drilled = command(*words, "--json", module=PROGRAM)
    drilled.wait_for("fault toy: made")
    assert made.exists()
    assert drilled.wait() == HELD, drilled.errors()
    assert not made.exists()
    verdict = json.loads(drilled.out.read_text())
    (fault,) = verdict["faults"]
    assert (fault["name"], fault["proved"], fault["how"]) == ("toy", True, "healed")
    assert "when a file was made" in (the_run(drilled) / "summary.md").read_text()


def test_what_a_killed_drill_left_broken_is_undone_by_the_next_start(
    command: Start, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    words = ("run", *OWN_WORDS, "--experiment", str(toy_experiment(tmp_path, made)), *SHORT)
    killed = command(*words, module=PROGRAM)
    killed.wait_for("proved: made is there")
    killed.process.kill()
    killed.process.wait()
    wait_until(lambda: not children_of(killed.pid), "the children to die")
    assert made.exists()
    # Nothing but the ledger on disk knows of it now.
    after = command("run", *OWN_WORDS, "--experiment", "none", *SHORT, module=PROGRAM)
    after.wait_for("cluster ready")
    assert not made.exists()
    assert after.wait() in (HELD, UNKNOWN), after.errors()
