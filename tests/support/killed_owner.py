"""A cluster in a program of its own, which is killed while faults are open: what it leaves behind.

As a program, `python -m tests.support.killed_owner PATTERN FOLDER [EQUIPMENT...]` owns the cluster
and waits for its end.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from statedrill.cluster.cluster import Cluster
from statedrill.control import client
from statedrill.faults.base import Fault
from statedrill.faults.ledger import read_ledger
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.timings import Timings
from statedrill.processes.state_directory import state_directory
from statedrill.vocabulary import Equipment
from tests.support.events import marked
from tests.support.processes import Child

_LONG_S = 300.0
_ROOT = Path(__file__).resolve().parents[2]
_SHARED_MEMORY = Path("/dev/shm")

# What was lost does not come back by itself, so a fault that takes something away stays open.
LASTING = replace(
    Timings.named("fast"),
    instance_detection_s=_LONG_S,
    instance_boot_s=_LONG_S,
    rebalance_delay_s=_LONG_S,
    database_detection_s=_LONG_S,
    database_standby_rebuild_s=_LONG_S,
    cache_detection_s=_LONG_S,
    cache_replica_rebuild_s=_LONG_S,
)


class Owner:
    """The cluster of the pattern in the file `pattern`; everything else goes to `folder`."""

    def __init__(self, pattern: Path, folder: Path, equipment: Collection[Equipment] = ()) -> None:
        command = (sys.executable, "-m", __name__, str(pattern), str(folder), *sorted(equipment))
        self._child = Child(command, folder, "owner", env={"PYTHONPATH": str(_ROOT)})
        self._child.wait_for("ready\n")
        self.name = f"{self._child.pid}-1"
        self._pids: set[int] = set()
        self._shared: set[Path] = set()

    def ask(self, action: str, **arguments: Any) -> dict[str, Any]:
        """What its control address answers."""
        control_file = state_directory() / f"{self.name}.json"
        with mock.patch.dict(os.environ, STATEDRILL_CONTROL=str(control_file)):
            return client.call(action, **arguments)

    def inject(self, kind: type[Fault], **arguments: Any) -> None:
        """Break something, as an experiment does; fails the test when that is not proved."""
        answer = self.ask(kind.action, **arguments)
        assert answer["proved"], answer["proof"]

    def open_faults(self) -> list[str]:
        """The names of the faults that are open, the oldest first."""
        opened = read_ledger(state_directory() / self.name)
        return [each.name for each in reversed(opened)]

    def kill(self) -> None:
        """SIGKILL of the program alone; what it started has to go by itself."""
        self._pids = {each.pid for each in psutil.Process(self._child.pid).children(recursive=True)}
        self._shared = {path for pid in self._pids for path in _shared_memory(pid)}
        self._child.process.kill()
        self._child.process.wait()

    def left(self) -> list[str]:
        """What of it is still there: processes, mounts, and files in shared memory and state."""
        pids = {*marked(self.name), *(pid for pid in self._pids if psutil.pid_exists(pid))}
        state = [each for each in state_directory().iterdir() if each.stem == self.name]
        mounts = [
            each.mountpoint
            for each in psutil.disk_partitions(all=True)
            if f"/{self.name}" in each.mountpoint
        ]
        shared = {path for path in self._shared if path.exists()}
        shared |= {path for pid in self._pids for path in _SHARED_MEMORY.glob(f"*_{pid}")}
        return [
            *(f"process {pid}" for pid in sorted(pids)),
            *(f"mount {each}" for each in mounts),
            *(str(path) for path in sorted({*state, *shared})),
        ]

    def close(self) -> None:
        """End it, however the test ended."""
        self._child.end()


@contextlib.contextmanager
def owner_of(pattern: Path, folder: Path, equipment: Collection[Equipment] = ()) -> Iterator[Owner]:
    """An `Owner` that does not outlive the test."""
    owner = Owner(pattern, folder, equipment)
    try:
        yield owner
    finally:
        owner.close()


def _shared_memory(pid: int) -> set[Path]:
    """The files in shared memory that a process has mapped and that have a name."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines()
        named = {Path(line.split(maxsplit=5)[5]) for line in lines if f" {_SHARED_MEMORY}/" in line}
        return {path for path in named if path.exists()}
    return set()


def main() -> None:
    pattern, folder, *equipment = sys.argv[1:]
    with Cluster(
        Pattern.read(Path(pattern)),
        LASTING,
        Path(folder),
        lambda event, **fields: None,
        "r",
        7,
        [Equipment(each) for each in equipment],
    ):
        print("ready", flush=True)
        threading.Event().wait(_LONG_S)


if __name__ == "__main__":
    main()
