"""A drill as a user at a terminal sees it: one live line, or plain lines without a terminal.

Writes to standard error, so that standard output stays free for results. Decides nothing.
"""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from statedrill.drill.live import DrillObserver, LiveFigures
from statedrill.history.events import Event

_PLAIN_EVERY_S = 5.0
_WORDS = {
    "start": "starting the cluster",
    "warmup": "warming up",
    "baseline": "baseline: nothing is broken yet",
    "fault": "the fault",
    "recovery": "recovery",
    "settle": "settling",
    "audit": "audit: reading every object once more",
    "second_audit": "second audit: after a restart of every instance",
    "end": "stopping the cluster",
}


def terminal_observer(title: str, console: Console | None = None) -> LiveObserver | PlainObserver:
    """A live view where standard error is a terminal, plain lines elsewhere."""
    console = console or Console(stderr=True, highlight=False)
    return LiveObserver(title, console) if console.is_terminal else PlainObserver(title, console)


class PlainObserver:
    """One line a phase, and one every five seconds of it: for logs and for CI."""

    def __init__(self, title: str, console: Console) -> None:
        self._title, self._console = title, console
        self._phase, self._last, self._begin = "", 0.0, time.monotonic()

    def __enter__(self) -> DrillObserver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._say(f"done in {time.monotonic() - self._begin:.0f} s")

    def phase(self, name: str, seconds: float | None) -> None:
        """Say which phase began."""
        self._phase, self._last = name, time.monotonic()
        length = f" ({seconds:g} s)" if seconds else ""
        self._say(_WORDS.get(name, name) + length)

    def figures(self, figures: LiveFigures) -> None:
        """Say the newest figures, every five seconds."""
        if time.monotonic() - self._last >= _PLAIN_EVERY_S:
            self._last = time.monotonic()
            self._say(f"  {describe(figures)}")

    def event(self, event: Event) -> None:
        """Say what was broken and what failed over."""
        text = event_sentence(event)
        if text:
            self._say(f"  {text}")

    def note(self, text: str) -> None:
        """Say `text`."""
        self._say(text)

    def _say(self, text: str) -> None:
        seconds = time.monotonic() - self._begin
        self._console.print(
            f"{self._title}  {seconds:5.1f} s  {text}", markup=False, soft_wrap=True
        )


class LiveObserver:
    """One line that lives: phase, time left, rate, p99, errors, sessions lost."""

    def __init__(self, title: str, console: Console) -> None:
        self._title = title
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.fields[title]}"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            redirect_stdout=False,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, title=title, figures="")
        self._ends: float | None = None

    def __enter__(self) -> DrillObserver:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def phase(self, name: str, seconds: float | None) -> None:
        """Reset the line for a new phase."""
        self._progress.reset(self._task, total=seconds, description=_WORDS.get(name, name))
        self._ends = time.monotonic() + seconds if seconds else None

    def figures(self, figures: LiveFigures) -> None:
        """Show the newest figures and how much of the phase is done."""
        self._progress.update(self._task, figures=describe(figures))
        task = self._progress.tasks[0]
        if self._ends is not None and task.total is not None:
            left = max(0.0, self._ends - time.monotonic())
            self._progress.update(self._task, completed=task.total - left)

    def event(self, event: Event) -> None:
        """Leave a line above the live one for what was broken and what failed over."""
        text = event_sentence(event)
        if text:
            self.note(text)

    def note(self, text: str) -> None:
        """Leave a line above the live one."""
        self._progress.console.print(f"  {self._title}  {text}", markup=False)


def describe(figures: LiveFigures) -> str:
    """The figures in one phrase."""
    return (
        f"{figures.rate:.0f}/s  p99 {figures.p99_ms:.0f} ms  {figures.errors:.0f} errors  "
        f"{figures.sessions_lost} sessions lost"
    )


def event_sentence(event: Event) -> str:
    """An event that a user at the terminal should see, as a sentence; empty for all others."""
    if event["event"] == "cluster-ready":
        return f"cluster ready in {event['took_s']:.1f} s"
    if event["event"] == "fault-begin":
        return f"fault {event['name']}: {', '.join(event['targets'])}"
    if event["event"] == "fault-proof":
        return f"{'proved' if event['proved'] else 'NOT PROVED'}: {event['proof']}"
    if event["event"] == "failover":
        return f"failover of the {event['service']}: {event['from']} -> {event['to']}"
    if event["event"] == "experiment" and event["failed"]:
        return f"the experiment says: {'; '.join(event['failed'])}"
    return ""
