"""Drills whose load comes from Locust workers that somebody else started."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from statedrill.errors import BAD_INPUT, HELD, UNKNOWN
from tests.drill.conftest import SHORT, children_of
from tests.drill.test_drill import OWN_WORDS, the_run
from tests.support.load import clock_ahead
from tests.support.processes import Child
from tests.support.waiting import wait_until

pytestmark = pytest.mark.drill

Start = Callable[..., Child]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Starts a load process as the drill says, in a folder and maybe with a clock of its own."""
    started: list[Child] = []

    def start(drilled: Child, clock_s: int = 0) -> Child:
        drilled.wait_for("locust -f - --worker")
        said = re.search(r"locust (-f - --worker.*)", drilled.errors())
        assert said
        folder = tmp_path / f"machine-{len(started)}"
        folder.mkdir()
        words = [*clock_ahead(clock_s), sys.executable, "-m", "locust", *shlex.split(said[1])]
        words += ["--exit-code-on-error", "0"]
        started.append(Child(words, folder, "worker", {"TMPDIR": str(folder)}))
        return started[-1]

    yield start
    for each in started:
        each.end()


def verdict_of(drilled: Child) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(drilled.out.read_text())
    return found


def test_a_drill_under_the_load_of_two_other_machines(
    command: Start, worker: Callable[..., Child]
) -> None:
    words = ("run", *OWN_WORDS, "--experiment", "instance-kill", *SHORT, "--json")
    drilled = command(*words, "--expect-workers", "2")
    workers = [worker(drilled, clock) for clock in (86_400, 900_000)]
    assert drilled.wait() == HELD, drilled.errors() + drilled.out.read_text()
    assert [each.wait() for each in workers] == [0, 0]
    verdict = verdict_of(drilled)
    # Each load-balancer node deals to the instances in turn: a third of the users, give or take.
    assert verdict["sessions"]["total"] == 45
    assert 10 <= verdict["sessions"]["lost"] <= 20
    assert verdict["footing"]["outcome"] == "held"
    assert len(list((the_run(drilled) / "history").glob("operations-[01].jsonl"))) == 2
    assert children_of(drilled.pid) == []


def test_a_machine_that_is_lost_in_the_drill_is_named(
    command: Start, worker: Callable[..., Child]
) -> None:
    drilled = command("run", *OWN_WORDS, "--experiment", "none", *SHORT, "--json",
                      "--expect-workers", "2")  # fmt: skip
    first, _ = worker(drilled), worker(drilled)
    drilled.wait_for("baseline")
    history = the_run(drilled) / "history"
    wait_until(
        lambda: all(path.stat().st_size > 1000 for path in history.glob("operations-*.jsonl")),
        "both load processes record",
    )
    first.signal(signal.SIGKILL)
    assert drilled.wait() == UNKNOWN, drilled.errors() + drilled.out.read_text()
    why = " ".join(verdict_of(drilled)["why"])
    assert re.search(r"load process [01] on \S+ was lost", why)
    assert children_of(drilled.pid) == []


def test_workers_that_do_not_come_end_the_drill_with_a_sentence(command: Start) -> None:
    drilled = command("run", *OWN_WORDS, "--experiment", "none", *SHORT,
                      "--expect-workers", "1", "--expect-workers-max-wait", "2s")  # fmt: skip
    assert drilled.wait() == UNKNOWN, drilled.errors() + drilled.out.read_text()
    assert "0 of 1 load workers came within 2 s" in drilled.errors()
    assert "Traceback" not in drilled.errors()
    assert children_of(drilled.pid) == []


def test_workers_and_processes_exclude_each_other(command: Start) -> None:
    drilled = command("run", "--expect-workers", "2", "--processes", "2")
    assert drilled.wait() == BAD_INPUT
    assert "start `locust --worker --processes N` instead" in drilled.errors()
