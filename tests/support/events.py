"""An event sink that remembers, and the processes that a cluster has on this machine."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import psutil

from statedrill.processes.process import MARKER


class Events:
    """An event sink that remembers."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def __call__(self, event: str, **fields: Any) -> None:
        with self._lock:
            self.seen.append({"event": event, "t": time.monotonic_ns(), **fields})

    def of(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        with self._lock:
            return [
                e
                for e in self.seen
                if e["event"] == event and all(e.get(k) == v for k, v in fields.items())
            ]


def marked(cluster: str) -> list[int]:
    """Every process on this machine that carries the marker of a cluster."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARKER, "").startswith(cluster):
                found.append(process.pid)
    return found
