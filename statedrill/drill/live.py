"""What is going on right now, for observers: the newest figures of the load processes.

Reads the generator's own figures (`load-*.jsonl`); prints nothing and judges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from statedrill.history.events import Event
from statedrill.history.follow import LineFollower

# A load process writes once a second. One that has been silent for so long does not count now.
_SILENT_S = 5.0


class LiveFigures:
    """The newest second of every load process, added up. `folder` is the history's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, LineFollower] = {}
        self._last: dict[Path, dict[str, Any]] = {}
        self._heard_s: dict[Path, float] = {}

    def update(self) -> None:
        """Read what was written since the last call."""
        for path in self._folder.glob("load-*.jsonl"):
            if lines := self._files.setdefault(path, LineFollower(path)).new_lines():
                self._last[path] = lines[-1]
                self._heard_s[path] = time.monotonic()

    @property
    def processes(self) -> int:
        """Load processes that have written figures so far."""
        return len(self._last)

    @property
    def silent(self) -> list[int]:
        """The numbers of the load processes that have not written for a while."""
        silent = [path for path in self._last if not self._is_fresh(path)]
        return sorted(int(path.stem.rpartition("-")[2]) for path in silent)

    @property
    def users(self) -> int:
        """Users at work now."""
        return int(self._sum("users"))

    @property
    def planned_users(self) -> float:
        """Users that the profile planned in the last second (0: not known)."""
        return self._sum("planned_users")

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


class DrillObserver(Protocol):
    """Sees a drill while it happens, such as the terminal; has no influence on it."""

    def phase(self, name: str, seconds: float | None) -> None:
        """A phase began; `seconds` is its length where that is known."""

    def figures(self, figures: LiveFigures) -> None:
        """New figures, several times a second."""

    def event(self, event: Event) -> None:
        """The target or the drill did something; called in the thread that did it."""

    def note(self, text: str) -> None:
        """Something that the user should read now."""


class Observers:
    """Several observers as one; each is called in the order given."""

    def __init__(self, observers: Sequence[DrillObserver]) -> None:
        self._all = tuple(observers)

    def phase(self, name: str, seconds: float | None) -> None:
        """Pass a new phase on."""
        for each in self._all:
            each.phase(name, seconds)

    def figures(self, figures: LiveFigures) -> None:
        """Pass new figures on."""
        for each in self._all:
            each.figures(figures)

    def event(self, event: Event) -> None:
        """Pass an event on."""
        for each in self._all:
            each.event(event)

    def note(self, text: str) -> None:
        """Pass a note on."""
        for each in self._all:
            each.note(text)
