"""The search for the breaking point: which step of a rising load was the last that held.

Pure: one line of live figures after another in, the verdict on a step out. Knows no clock, no
Locust and no HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from statedrill.history.load_line import LoadLine

# One bad second may be chance (a garbage collection, another program); two in a row are the load.
_BAD_SECONDS = 2


class BreakpointResult(TypedDict):
    """What the search found, in `unit` ("users" or "arrivals/s"): the content of breakpoint.json.

    `held` is the last load that held (0: none), `broke` the first that did not (None: nothing
    broke), and `why` says what broke (empty: nothing).
    """

    held: float
    broke: float | None
    unit: str
    why: str


@dataclass
class BreakpointSearch:
    """Follows a load that rises in steps, against a p99 in ms and a share of failed requests.

    `broken` says why it broke, or is empty; `step` is the current one, or the one that broke.
    """

    p99_ms: float
    errors: float
    step: int = 1
    broken: str = ""
    _bad_seconds: int = 0
    _first_bad_step: int = 1
    _last_line: int = 0

    @property
    def held(self) -> int:
        """The last step that held (0: none)."""
        return self.step - 1 if self.broken else self.step

    def feed(self, step: int, figures: LoadLine) -> None:
        """Judge one second of all load processes, during which the load was at `step`.

        The number of the line tells one second from the next: the same one counts once.
        """
        if self.broken or figures["line"] == self._last_line:
            return
        self._last_line = figures["line"]
        self.step = step
        why = self._why(figures)
        if not why:
            self._bad_seconds = 0
            return
        if self._bad_seconds == 0:
            self._first_bad_step = step
        self._bad_seconds += 1
        if self._bad_seconds >= _BAD_SECONDS:
            self.broken, self.step = why, self._first_bad_step

    def result(self, full: float, unit: str, steps: int, completed: int) -> BreakpointResult:
        """The result, where the last of `steps` equal steps is a load of `full`.

        `completed` steps were over when the test ended: one that was cut short has not held.
        """
        return {
            "held": round(full * min(self.held, completed) / steps, 6),
            "broke": round(full * self.step / steps, 6) if self.broken else None,
            "unit": unit,
            "why": self.broken,
        }

    def _why(self, figures: LoadLine) -> str:
        requests = figures["requests"]
        if figures["dropped"] or figures["queued"]:
            return "no user was free for a session that was due: give more users with -u"
        if requests and figures["errors"] > self.errors * requests:
            share = 100 * figures["errors"] / requests
            return f"{share:.1f} % of the requests failed (allowed: {100 * self.errors:g} %)"
        p99_ms = figures["p99_ms"]
        if p99_ms is not None and p99_ms > self.p99_ms:
            return f"p99 was {p99_ms:.0f} ms (allowed: {self.p99_ms:g} ms)"
        return ""


def sentence(result: BreakpointResult) -> str:
    """The result for a reader."""
    held, unit = result["held"], result["unit"]
    if result["broke"] is None:
        return f"nothing broke, {held:g} {unit} held"
    return f"{held:g} {unit} held, {result['broke']:g} broke: {result['why']}"
