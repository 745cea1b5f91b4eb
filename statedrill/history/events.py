"""What the cluster and the drill did, on the same clock as the operations.

One JSON object a line in `events.jsonl`, flushed at once. Knows nothing of what the events mean.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from statedrill.errors import HistoryError

Event = dict[str, Any]


class Emit(Protocol):
    """A thread-safe sink for events: `emit("failover", service="cache", ...)`."""

    def __call__(self, event: str, **fields: Any) -> None:
        """Stamp and record one event."""


class EventLog:
    """Appends events to a file and tells listeners (the live view) about each.

    Whoever emits is in the middle of something (ending a process, say) that a full disk must not
    stop: a failure to write is kept for `raise_lost`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._listeners: list[Callable[[Event], None]] = []
        self._lost: OSError | None = None

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event from now on, in the thread that emits it."""
        self._listeners.append(listener)

    def emit(self, event: str, **fields: Any) -> None:
        """Stamp and write one event. After `close` events go to the listeners only."""
        with self._lock:
            line: Event = {"t": time.monotonic_ns(), "wall": time.time(), "event": event, **fields}
            if not self._file.closed:
                self._write(json.dumps(line, default=str).encode() + b"\n")
        for listener in self._listeners:
            listener(line)

    def raise_lost(self) -> None:
        """Say that the record has a hole.

        Raises:
            OSError: why an event could not be written (the first time).
        """
        if self._lost:
            raise self._lost

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock:
            self._file.close()

    def _write(self, line: bytes) -> None:
        # Unbuffered and cut back to whole lines: what could not be written is not left half
        # written, nor held for a later flush that fails again.
        end = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(line) != len(line):
                os.truncate(self._file.fileno(), end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        except OSError as error:
            self._lost = self._lost or error


def read_lines(path: Path) -> list[Event]:
    """Every JSON object of a file with one a line; a torn last line (a crash) is left out.

    Raises:
        HistoryError: a line that is not the last is no JSON object.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    found: list[Event] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError("not an object")
        except ValueError as error:
            if number == len(lines):
                break
            raise HistoryError(
                f"{path}:{number}: not a JSON object ({error})",
                "the file is damaged: restore it from a copy, or repeat the drill",
            ) from error
        found.append(value)
    return found
