"""What a cluster leaves in the state directory, and how the leftovers of a killed owner go away.

A claim is a lock file held open by the owner: it lists every child by process id and start time.
Whoever can take the lock knows that the owner is gone. Knows no cluster that is running.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil

from statedrill.processes.file_lock import drop_unused_networks, locked
from statedrill.processes.process import MARKER, Process
from statedrill.processes.state_directory import state_directory

_DATA = re.compile(r"\d+-\d+")
_CLAIM = re.compile(r"\d+-\d+\.lock")
_SAME_START_S = 1.5


class ClusterLock:
    """The place of one cluster in the state directory, until `release()`.

    `name` is `<owner pid>-<n>`; `cluster` is the id that every child carries in its environment;
    `folder` is for data and `control_file` for the control address.
    """

    def __init__(self, state: Path | None = None) -> None:
        self._state = state or state_directory()
        self.name, self._fd = self._take()
        # The owner's start time tells it from an older program with the same process id.
        self.cluster = f"{self.name}-{_started(os.getpid()):.2f}"
        self.folder = self._state / self.name
        self.control_file = self._state / f"{self.name}.json"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        self._write({"cluster": self.cluster, "owner": os.getpid()})

    def note(self, process: Process) -> None:
        """Write down a child that was just started."""
        # A child that is gone already needs no cleaning up after.
        with contextlib.suppress(psutil.Error):
            started = _started(process.pid)
            self._write({"pid": process.pid, "started": started, "name": process.name})

    def release(self) -> None:
        """Remove data folder, control file and lock file; idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            _remove(self._state, self.name)
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


def cleanup_leftovers(state: Path | None = None) -> list[str]:
    """End what clusters of dead owners left running and remove their data; names those clusters.

    A child is ended when process id and start time are those written down and its environment
    does not name another cluster, or when its environment carries the dead cluster's id. The lock
    files of networks that nobody holds go, too.
    """
    folder = state or state_directory()
    cleaned = []
    for path in sorted(folder.iterdir()):
        if _CLAIM.fullmatch(path.name) and _clean(folder, path):
            cleaned.append(path.stem)
        # The lock comes first and goes last: data without one belongs to nobody.
        elif _DATA.fullmatch(path.name) and not path.with_suffix(".lock").exists():
            _remove(folder, path.name)
            cleaned.append(path.name)
    drop_unused_networks(folder)
    return cleaned


def _clean(state: Path, path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False  # another clean-up was faster
    try:
        if not locked(fd, path):
            return False
        lines = [json.loads(line) for line in path.read_text().splitlines() if line[-1:] == "}"]
        clusters = {line["cluster"] for line in lines if "cluster" in line}
        for pid in {*_noted(lines, clusters), *_marked(clusters)}:
            _end(pid)
        _remove(state, path.stem)
        return True
    finally:
        os.close(fd)


def _noted(lines: list[dict[str, object]], clusters: set[object]) -> Iterator[int]:
    for line in lines:
        pid, started = line.get("pid"), line.get("started")
        if not isinstance(pid, int) or not isinstance(started, float):
            continue
        with contextlib.suppress(psutil.Error):
            same = abs(_started(pid) - started) < _SAME_START_S
            # Valkey and PostgreSQL overwrite their environment with their title: none is no veto.
            if same and _marker(pid) in (None, *clusters):
                yield pid


def _marked(clusters: set[object]) -> Iterator[int]:
    for pid in psutil.pids():
        if pid != os.getpid() and _marker(pid) in clusters:
            yield pid


def _marker(pid: int) -> str | None:
    try:
        return psutil.Process(pid).environ().get(MARKER)
    except (psutil.Error, OSError):
        return None


def _started(pid: int) -> float:
    return psutil.Process(pid).create_time()


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(psutil.Error):
        psutil.Process(pid).wait(timeout=5)


def _remove(state: Path, name: str) -> None:
    shutil.rmtree(state / name, ignore_errors=True)
    (state / f"{name}.json").unlink(missing_ok=True)
    (state / f"{name}.lock").unlink(missing_ok=True)
