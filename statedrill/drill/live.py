"""What is going on right now, for whoever watches: the last lines that the load wrote.

Reads the generator's own figures (`load-*.jsonl`); prints nothing and judges nothing.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Protocol

from statedrill.history.events import Event

# A load process writes once a second. One that has been silent for so long does not count now.
_SILENT_S = 5.0


class LiveFigures:
    """The newest second of every load process, added up. `folder` is the history's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self._last: dict[Path, dict[str, Any]] = {}
        self._heard_s: dict[Path, float] = {}

    def update(self) -> None:
        """Read what was written since the last call."""
        for path in self._folder.glob("load-*.jsonl"):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                fresh = file.read()
            whole, newline, _ = fresh.rpartition(b"\n")
            if newline:
                self._read[path] = self._read.get(path, 0) + len(whole) + 1
                self._last[path] = json.loads(whole.rpartition(b"\n")[2])
                self._heard_s[path] = time.monotonic()

    @property
    def processes(self) -> int:
        """Load processes that have been heard so far."""
        return len(self._last)

    @property
    def silent(self) -> list[int]:
        """The numbers of the load processes that have not been heard for a while."""
        silent = [path for path in self._last if not self._is_fresh(path)]
        return sorted(int(path.stem.rpartition("-")[2]) for path in silent)

    @property
    def users(self) -> int:
        """Users at work now."""
        return int(self._sum("users"))

    @property
    def rate(self) -> float:
        """Operations in the last second."""
        return self._sum("requests")

    @property
    def errors(self) -> float:
        """Failed operations in the last second."""
        return self._sum("errors")

    @property
    def p99_ms(self) -> float:
        """The worst process's 99th percentile of the last second, in milliseconds."""
        return max((float(each.get("p99_ms") or 0.0) for each in self._fresh()), default=0.0)

    @property
    def sessions_lost(self) -> int:
        """Sessions that found themselves signed out so far, as the clients saw it."""
        return sum(int(each.get("sessions_lost") or 0) for each in self._last.values())

    def _sum(self, name: str) -> float:
        return sum(float(each.get(name) or 0.0) for each in self._fresh())

    def _fresh(self) -> list[dict[str, Any]]:
        return [line for path, line in self._last.items() if self._is_fresh(path)]

    def _is_fresh(self, path: Path) -> bool:
        return time.monotonic() - self._heard_s[path] < _SILENT_S


class Watch(Protocol):
    """Somebody who watches a drill: the terminal, or nobody."""

    def phase(self, name: str, seconds: float | None) -> None:
        """A phase began; `seconds` is its length where that is known."""

    def figures(self, figures: LiveFigures) -> None:
        """New figures, several times a second."""

    def event(self, event: Event) -> None:
        """The cluster or the drill did something."""

    def note(self, text: str) -> None:
        """Something that the user should read now."""
