"""The search for the breaking point: which step of a rising load was the last that held.

Pure: one line of live figures after another in, the verdict on a step out. Knows no clock, no
Locust and no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# One bad second may be chance (a garbage collection, a neighbour); two in a row are the load.
_SECONDS = 2


@dataclass
class Climb:
    """Follows a load that rises in steps, against a p99 in ms and a share of failed requests.

    `broken` says why it broke, or is empty; `step` is the one that is on, or that broke.
    """

    p99_ms: float
    errors: float
    step: int = 1
    broken: str = ""
    _bad: int = 0
    _first_bad: int = 1
    _line: int = 0

    @property
    def held(self) -> int:
        """The last step that held (0: none)."""
        return self.step - 1 if self.broken else self.step

    def feed(self, step: int, figures: Mapping[str, Any]) -> None:
        """Judge one line of figures, taken while the load was at `step`.

        `line` numbers the lines: the same one again is no second bad second.
        """
        if self.broken or figures["line"] == self._line:
            return
        self._line = figures["line"]
        self.step = step
        why = self._why(figures)
        if not why:
            self._bad = 0
            return
        if self._bad == 0:
            self._first_bad = step
        self._bad += 1
        if self._bad >= _SECONDS:
            self.broken, self.step = why, self._first_bad

    def _why(self, figures: Mapping[str, Any]) -> str:
        requests = figures["requests"]
        if figures.get("dropped") or figures.get("queued"):
            return "no user was free for a session that was due: give more users with -u"
        if requests and figures["errors"] > self.errors * requests:
            share = 100 * figures["errors"] / requests
            return f"{share:.1f} % of the requests failed (allowed: {100 * self.errors:g} %)"
        p99_ms = figures["p99_ms"]
        if p99_ms is not None and p99_ms > self.p99_ms:
            return f"p99 was {p99_ms:.0f} ms (allowed: {self.p99_ms:g} ms)"
        return ""
