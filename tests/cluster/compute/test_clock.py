"""A process with a clock of its own: the wall clock is shifted while it runs, nothing else is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from statedrill.cluster.compute import clock
from statedrill.cluster.compute.clock import Clock
from statedrill.errors import MissingPart
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

TELL = """
import sys, time
for _ in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""


class Process:
    """Tells its times when it is asked."""

    def __init__(self, clock: Clock) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-c", TELL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(clock.environment),
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    def times(self) -> tuple[float, float]:
        """Wall clock and monotonic clock."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        wall, monotonic = self._child.stdout.readline().split()
        return float(wall), float(monotonic)

    def kill(self) -> None:
        self._child.kill()
        self.close()

    def close(self) -> None:
        if self._child.stdin and not self._child.stdin.closed:
            self._child.communicate()


@pytest.fixture
def shifted(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clocks" / "i-1")


@pytest.fixture
def process(shifted: Clock) -> Iterator[Process]:
    made = Process(shifted)
    yield made
    made.close()


def test_a_running_process_sees_the_shift_on_its_wall_clock_only(
    shifted: Clock, process: Process
) -> None:
    before, monotonic = process.times()
    shifted.shift(3600)
    wait_until(lambda: process.times()[0] > before + 3500)
    shifted.shift(-3600)
    wait_until(lambda: process.times()[0] < before - 3500)
    shifted.shift(0)
    wait_until(lambda: abs(process.times()[0] - before) < 600)
    assert 0 < process.times()[1] - monotonic < 600


def test_what_a_killed_process_leaves_in_shared_memory_is_removed_and_nothing_else(
    process: Process,
) -> None:
    def shared() -> list[Path]:
        return list(Path("/dev/shm").glob(f"*faketime*_{process.pid}"))

    process.times()
    assert len(shared()) == 2
    clock.remove_leftovers()
    assert len(shared()) == 2
    process.kill()
    assert len(shared()) == 2
    clock.remove_leftovers()
    assert shared() == []


def test_a_machine_without_the_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "package_folder", lambda _: None)
    monkeypatch.setattr(clock, "_OF_DISTRIBUTION", "/nowhere/{}")
    with pytest.raises(MissingPart, match="a clock of its own, is not installed"):
        clock.libfaketime()
