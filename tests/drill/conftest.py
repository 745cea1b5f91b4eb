"""Runs the real command line in a process of its own, and looks for what it left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SHORT = (
    *("--users", "45", "--warmup", "1s", "--baseline", "2s"),
    *("--recovery", "2s", "--run-time", "5s", "--headless"),
)
DEADLINE_S = 100.0


class Command:
    """`statedrill …` in a process; standard error is read while it runs.

    `module` is another program with the same command line.
    """

    def __init__(self, folder: Path, *words: str, module: str = "statedrill") -> None:
        self.errors = folder / "stderr"
        self.out = folder / "stdout"
        with self.errors.open("wb") as err, self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                stdout=out,
                stderr=err,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )

    def told(self) -> str:
        return self.errors.read_text(errors="replace")

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.told() or self.process.poll() is not None, text)
        assert text in self.told(), self.told()

    def finish(self) -> int:
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"did not end within {DEADLINE_S} s:\n{self.told()}")


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Start `statedrill <words>` in a folder of its own; none survives the test."""
    started: list[Command] = []

    def start(*words: str, module: str = "statedrill") -> Command:
        folder = tmp_path / f"command-{len(started)}"
        folder.mkdir()
        started.append(Command(folder, *words, module=module))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.terminate()
            try:
                each.process.wait(15)
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()


def children_of(owner: int) -> list[str]:
    """Every process on this machine that a cluster of process `owner` started."""
    mark = f"STATEDRILL_CLUSTER={owner}-".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found
