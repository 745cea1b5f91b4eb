"""Runs the real command line in a process of its own, and looks for what it left behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.processes import Child

ROOT = Path(__file__).resolve().parents[2]
SHORT = (
    *("--users", "45", "--warmup", "1s", "--baseline", "2s"),
    *("--recovery", "2s", "--run-time", "5s", "--headless"),
)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Start `statedrill <words>` in a folder of its own; none survives the test.

    `module` is another program with the same command line.
    """
    started: list[Child] = []

    def start(*words: str, module: str = "statedrill") -> Child:
        folder = tmp_path / f"command-{len(started)}"
        folder.mkdir()
        program = [sys.executable, "-m", module, *words]
        started.append(Child(program, folder, env={"PYTHONPATH": str(ROOT)}))
        return started[-1]

    yield start
    for each in started:
        each.stop()


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
