"""Writes the events of a drill, one JSON object a line, flushed at once, and tells listeners.

Knows the file; knows no kind of event.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from statedrill.history.events import Event


class EventLog:
    """Appends events to a file and tells listeners (the live view) about each.

    A caller is in the middle of something (ending a process, say) that a full disk must not
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
            line = {"t": time.monotonic_ns(), "wall": time.time(), "event": event, **fields}
            if not self._file.closed:
                self._write(json.dumps(line, default=str).encode() + b"\n")
        for listener in self._listeners:
            listener(cast(Event, line))

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
