"""The command lines of a drill's children, and what their journals say, without starting any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from statedrill.drill.children import Children
from statedrill.inputs.options import Options
from statedrill.plan.plan import make_plan
from tests.drill.fake_target import Clock, FakeTarget

Make = Callable[..., Children]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The children of a drill in `tmp_path`; their commands are in `commands`, by name."""

    def children(commands: dict[str, list[str]] | None = None, **options: Any) -> Children:
        (tmp_path / "history").mkdir(exist_ok=True)
        target = FakeTarget(Clock(), tmp_path, lambda event, **fields: None)
        process = target.process

        def note(name: str, role: str, zone: str, command: list[str], **more: Any) -> Any:
            if commands is not None:
                commands[name] = command
            return process(name, role, zone, command, **more)

        target.process = note  # type: ignore[method-assign]
        plan = make_plan(Options(scenario="shopper", **options), "r1", "now")
        return Children(plan, tmp_path, target)  # type: ignore[arg-type]

    return children


def test_one_load_process_needs_no_master(make: Make) -> None:
    commands: dict[str, list[str]] = {}
    make(commands, users=10).locust()
    assert "--headless" in commands["locust"]
    assert not {"--processes", "--master"} & set(commands["locust"])


def test_several_load_processes_meet_in_the_target_s_own_network(make: Make) -> None:
    commands: dict[str, list[str]] = {}
    make(commands, users=10, processes=2).locust()
    words = commands["locust"]
    assert words[words.index("--processes") + 1] == "2"
    assert words[words.index("--master-bind-host") + 1] == "127.0.0.1"


def test_far_workers_are_told_where_the_master_is(make: Make) -> None:
    children = make(users=10, expect_workers=2, master_bind_host="0.0.0.0")
    assert "--master-host <this machine> --master-port" in children.worker_command()


def test_audits_write_into_files_of_their_own(make: Make) -> None:
    commands: dict[str, list[str]] = {}
    children = make(commands)
    for number in (1, 2):
        children.audit(number)
    workers = [words[words.index("--worker") + 1] for words in commands.values()]
    assert workers == ["901", "902"]


def journal(folder: Path, text: str) -> None:
    (folder / "raw" / "journal.json").write_text(text)


def test_an_experiment_that_succeeded_has_no_failure(make: Make, tmp_path: Path) -> None:
    children = make()
    run = [{"activity": {"name": "kill"}, "status": "succeeded"}]
    journal(tmp_path, json.dumps({"status": "completed", "deviated": False, "run": run}))
    assert children.journal() == {"status": "completed", "deviated": False, "failed": []}


def test_every_activity_that_failed_is_named_with_the_last_line_of_its_exception(
    make: Make, tmp_path: Path
) -> None:
    children = make()
    where = "chaoslib.exceptions.ActivityFailed: statedrill.control.client.ControlFailure: "
    bad = {"status": "failed", "exception": ["Traceback\n", f"{where}Count must be\n"]}
    content = {
        "status": "completed",
        "run": [{"activity": {"name": "kill"}, **bad}],
        "rollbacks": [{"activity": {"name": "undo"}, "status": "aborted"}],
    }
    journal(tmp_path, json.dumps(content))
    failed = children.journal()["failed"]
    assert failed == ["kill: Count must be", "undo: failed"]


def test_a_hypothesis_that_did_not_hold_at_first_says_that_nothing_was_executed(
    make: Make, tmp_path: Path
) -> None:
    children = make()
    states = {"before": {"steady_state_met": False}}
    journal(tmp_path, json.dumps({"status": "failed", "run": [], "steady_states": states}))
    assert "nothing was executed" in children.journal()["failed"][0]


@pytest.mark.parametrize("text", [None, "", '{"run": ['])
def test_a_journal_that_is_missing_or_torn_is_a_failure(
    make: Make, tmp_path: Path, text: str | None
) -> None:
    children = make()
    if text is not None:
        journal(tmp_path, text)
    assert children.journal()["failed"] == ["Chaos Toolkit was stopped before it wrote its journal"]
