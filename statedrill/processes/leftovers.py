"""Cleans up after owners that were killed: their children, data folders and lock files.

A process that can take the lock of a cluster knows that its owner is gone. Knows no running
cluster, and no fault: what else an owner left behind is undone by a function that the caller gives.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from statedrill.processes.cluster_lock import (
    DATA_FOLDER,
    LOCK_FILE,
    remove_cluster,
    start_time,
)
from statedrill.processes.file_lock import drop_unused_networks, locked
from statedrill.processes.process import MARKER
from statedrill.processes.state_directory import state_directory

_SAME_START_S = 1.5


def cleanup_leftovers(
    state: Path | None = None, undo: Callable[[Path], None] = lambda folder: None
) -> list[str]:
    """End what clusters of dead owners left running and remove their data; their names.

    A child is ended when process id and start time are those written down and its environment
    does not name another cluster, or when its environment carries the dead cluster's id. `undo` is
    called with each dead cluster's data folder before that is removed; what it raises keeps the
    folder for the next clean-up. The lock files of networks that no program holds are removed too.
    """
    directory = state or state_directory()
    cleaned = []
    for path in sorted(directory.iterdir()):
        if LOCK_FILE.fullmatch(path.name) and _clean(directory, path, undo):
            cleaned.append(path.stem)
        # The lock is made first and removed last: a data folder without one has no owner.
        elif DATA_FOLDER.fullmatch(path.name) and not path.with_suffix(".lock").exists():
            undo(path)
            remove_cluster(directory, path.name)
            cleaned.append(path.name)
    drop_unused_networks(directory)
    return cleaned


def _clean(state: Path, path: Path, undo: Callable[[Path], None]) -> bool:
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False  # another clean-up was faster
    try:
        if not locked(fd, path):
            return False
        lines = _lines(path)
        clusters = {line["cluster"] for line in lines if "cluster" in line}
        for pid in {*_recorded(lines, clusters), *_marked(clusters)}:
            _end(pid)
        undo(state / path.stem)
        remove_cluster(state, path.stem)
        return True
    finally:
        os.close(fd)


def _lines(path: Path) -> list[dict[str, object]]:
    """What the owner wrote down. A full disk or a kill tears lines: those say nothing."""
    found = []
    for text in path.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict):
                found.append(line)
    return found


def _recorded(lines: list[dict[str, object]], clusters: set[object]) -> Iterator[int]:
    """The recorded children that still run."""
    for line in lines:
        pid, started = line.get("pid"), line.get("started")
        if not isinstance(pid, int) or not isinstance(started, float):
            continue
        with contextlib.suppress(psutil.Error):
            same = abs(start_time(pid) - started) < _SAME_START_S
            # Valkey and PostgreSQL overwrite their environment with their title: none is no veto.
            if same and _marker(pid) in (None, *clusters):
                yield pid


def _marked(clusters: set[object]) -> Iterator[int]:
    """The processes that carry the id of one of the clusters, recorded or not."""
    for pid in psutil.pids():
        if pid != os.getpid() and _marker(pid) in clusters:
            yield pid


def _marker(pid: int) -> str | None:
    try:
        return psutil.Process(pid).environ().get(MARKER)
    except (psutil.Error, OSError):
        return None


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(psutil.Error):
        psutil.Process(pid).wait(timeout=5)
