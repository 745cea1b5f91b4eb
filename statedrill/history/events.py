"""What the cluster and the drill did, on the same clock as the operations.

One JSON object a line in `events.jsonl`, flushed at once. Knows nothing of what the events mean.
"""

from __future__ import annotations

import json
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
    """Appends events to a file and tells listeners (the live view) about each."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event from now on, in the thread that emits it."""
        self._listeners.append(listener)

    def emit(self, event: str, **fields: Any) -> None:
        """Stamp and write one event. After `close` events go to the listeners only."""
        with self._lock:
            line: Event = {"t": time.monotonic_ns(), "wall": time.time(), "event": event, **fields}
            if not self._file.closed:
                self._file.write(json.dumps(line, default=str) + "\n")
                self._file.flush()
        for listener in self._listeners:
            listener(line)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock:
            self._file.close()


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
