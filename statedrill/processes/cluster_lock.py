"""The place of one cluster in the state directory, held by a lock for as long as its owner lives.

The lock file lists every child by process id and start time, so that a later start can end the
children of an owner that was killed. Knows nothing of what the cluster does.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
from pathlib import Path

import psutil

from statedrill.processes.file_lock import locked
from statedrill.processes.process import Process
from statedrill.processes.state_directory import state_directory

DATA_FOLDER = re.compile(r"\d+-\d+")
LOCK_FILE = re.compile(r"\d+-\d+\.lock")


class ClusterLock:
    """The name, data folder and control file of one cluster, until `release()`.

    `name` is `<owner pid>-<n>`; `cluster` is the id that every child carries in its environment;
    `folder` is for data and `control_file` for the control address.
    """

    def __init__(self, state: Path | None = None) -> None:
        self._state = state or state_directory()
        self.name, self._fd = self._take()
        self.owner = os.getpid()
        # The owner's start time tells it from an older program with the same process id.
        self.cluster = f"{self.name}-{start_time(self.owner):.2f}"
        self.folder = self._state / self.name
        self.control_file = self._state / f"{self.name}.json"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        self._write({"cluster": self.cluster, "owner": self.owner})

    def record_child(self, process: Process) -> None:
        """Write down a child that was just started."""
        # A child that is gone already needs no clean-up.
        with contextlib.suppress(psutil.Error):
            started = start_time(process.pid)
            self._write({"pid": process.pid, "started": started, "name": process.name})

    def release(self) -> None:
        """Remove data folder, control file and lock file; idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            remove_cluster(self._state, self.name)
            os.close(fd)

    def abandon(self) -> None:
        """Give up the lock and leave everything to the clean-up of a later start; idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _take(self) -> tuple[str, int]:
        for n in itertools.count(1):
            path = self._state / f"{os.getpid()}-{n}.lock"
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            if locked(fd, path):
                os.ftruncate(fd, 0)
                return path.stem, fd
            os.close(fd)
        raise AssertionError("unreachable")

    def _write(self, line: dict[str, object]) -> None:
        # One write of a short line: whole, or (when the owner is killed) not there.
        os.write(self._fd, json.dumps(line).encode() + b"\n")


def remove_cluster(state: Path, name: str) -> None:
    """Remove everything of the cluster `name`; its lock file goes last."""
    shutil.rmtree(state / name, ignore_errors=True)
    (state / f"{name}.json").unlink(missing_ok=True)
    (state / f"{name}.lock").unlink(missing_ok=True)


def start_time(pid: int) -> float:
    """When the process `pid` was started, in seconds of Unix.

    Raises:
        psutil.Error: there is no such process, or it cannot be asked.
    """
    return psutil.Process(pid).create_time()
