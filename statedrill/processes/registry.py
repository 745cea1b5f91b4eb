"""The processes of one cluster: makes them, finds those that are alive, and ends all of them.

Gives each process what all of them share: marker, log folder, event sink. Does not know what any
process is for.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from statedrill.errors import ClusterError
from statedrill.history.events import Emit
from statedrill.processes.process import MARKER, Process

_SOCKET_PATH_BYTES = 92  # the limit is 107; HAProxy binds with a suffix first


class ProcessRegistry:
    """Makes the processes of the cluster with the id `cluster`; `folder` is for their data."""

    def __init__(
        self,
        cluster: str,
        folder: Path,
        logs: Path,
        emit: Emit,
        on_spawn: Callable[[Process], None] | None = None,
    ) -> None:
        self.cluster, self.folder, self.logs, self.emit = cluster, folder, logs, emit
        self._on_spawn = on_spawn
        self._lock = threading.Lock()
        self._processes: list[Process] = []
        self._closed = False
        self._short: Path | None = None

    def process(  # noqa: PLR0913 - as Process
        self,
        name: str,
        role: str,
        zone: str,
        command: Sequence[str],
        *,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        on_exit: Callable[[Process, int], None] | None = None,
        unready: str = "",
    ) -> Process:
        """A new process, not yet started; its log is `logs/<name>.log`.

        Raises:
            ClusterError: the cluster is being stopped.
        """
        made = Process(
            name,
            role,
            zone,
            command,
            {**(env or {}), MARKER: self.cluster},
            self.logs / f"{name}.log",
            ready=ready,
            emit=self.emit,
            cwd=cwd,
            on_exit=on_exit,
            on_spawn=self._on_spawn,
            unready=unready,
        )
        with self._lock:
            if self._closed:
                raise ClusterError(f"{name} is not started: the cluster is being stopped")
            self._processes.append(made)
        return made

    def socket(self, name: str) -> Path:
        """A path for a unix socket, short enough for the kernel's limit of 107 bytes."""
        path = self.folder / name
        if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
            self.folder.mkdir(parents=True, exist_ok=True)
            return path
        with self._lock:
            if self._short is None:
                self._short = Path(tempfile.mkdtemp(prefix="statedrill-", dir="/tmp"))
            return self._short / name

    def alive(self, zone: str | None = None) -> list[Process]:
        """The processes that exist now, in one zone or in all."""
        with self._lock:
            known = list(self._processes)
        return [p for p in known if p.alive and zone in (None, p.zone)]

    def close(self, grace_s: float = 0.5) -> None:
        """End every process, at once in parallel, and refuse new ones; idempotent."""
        with self._lock:
            self._closed = True
            known = list(self._processes)
            short, self._short = self._short, None
        with ThreadPoolExecutor(len(known) or 1, thread_name_prefix="stop") as pool:
            list(pool.map(lambda process: process.retire(grace_s), known))
        if short:
            shutil.rmtree(short, ignore_errors=True)
