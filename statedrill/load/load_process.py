"""What one load process has in common: settings, record, figures, and a line about them a second.

Knows no Locust: `process` ties it to Locust's events.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import gevent

from statedrill.history.recorder import Recorder
from statedrill.load.http.client import HttpClient
from statedrill.load.recording.recording import Journal, Listener
from statedrill.load.session.session import Session
from statedrill.load.settings import Settings

_FLUSH_S = 0.5
# Users of several load processes are numbered in strides. Prime, so that no packing of the record
# by session number puts all users of one process into one part; and of all primes near one that
# keeps users evenly on the clock (Pace multiplies the number by the golden ratio): 1021 would bunch
# each process's users within a quarter of the pace.
STRIDE = 1447


class Place(NamedTuple):
    """Where a load process runs: another `machine`, whose clock is `shift_ns` behind the run's."""

    machine: str = ""
    shift_ns: int = 0


HERE = Place()


class Generator:
    """One load process: makes sessions and reports about itself once a second.

    `extra` gives further fields of the line, such as the planned rate. Sessions are numbered
    `first`, `first + stride`, ... so that no two processes share a number.
    """

    def __init__(
        self,
        settings: Settings,
        worker: int = 0,
        *,
        alone: bool = True,
        listener: Listener | None = None,
        place: Place = HERE,
    ) -> None:
        self.settings = settings
        self.worker = worker
        self._stride = 1 if alone else STRIDE
        self._next = worker + 1
        recorder = None
        if settings.history is not None:
            recorder = Recorder(settings.history, settings.run, worker, **place._asdict())
        self.journal = Journal(settings.run, recorder, listener)
        self.arrivals: Any = None  # the open model's, set by `process`
        self.courier: Any = None  # of a load process on another machine, set by `process`
        self._line_number = 0
        self.last_line: dict[str, Any] | None = None
        self.extra: Callable[[], dict[str, Any]] = dict
        self._reporter: Any = None
        self._complained = False
        self._lines = True

    def session(self, url: str) -> Session:
        """A new session, of a user that nobody has been before."""
        number, self._next = self._next, self._next + self._stride
        return self.session_numbered(number, url)

    def session_numbered(self, number: int, url: str) -> Session:
        """The session with this number, as a client that knows nothing yet."""
        settings = self.settings
        client = HttpClient(
            url,
            timeout_s=settings.timeout_s,
            connect_timeout_s=settings.connect_timeout_s,
            connections=settings.connections,
        )
        return Session(number, client, self.journal)

    def report(self, lines: bool = True) -> None:
        """Begin to hand the record to the system twice a second, and with `lines` to report."""
        self._lines = lines
        self._reporter = gevent.spawn(self._report)

    def close(self) -> None:
        """Report the last time and close the record; safe to call twice."""
        if self._reporter is not None:
            self._reporter.kill(block=False)
            self._reporter = None
            if self.journal.tally.latencies:
                self.line()
        if self.journal.recorder is not None:
            self.journal.recorder.close()
            self.journal.keep = _too_late
        if self.courier is not None:
            self.courier.close(self.journal.recorder.rows if self.journal.recorder else 0)
            self.courier = None

    def begin(self) -> None:
        """A test begins."""
        if self.journal.recorder is not None:
            self.journal.recorder.begin()

    def end(self) -> None:
        """The test has stopped: report what was done last, and say that nothing is missing."""
        self.line()
        if self.journal.recorder is not None:
            self.journal.recorder.end()
        if self.courier is not None:
            self.courier.end()

    def _report(self) -> None:
        due_s = time.monotonic()
        for count in range(1, 1 << 62):
            due_s += _FLUSH_S
            gevent.sleep(max(0.0, due_s - time.monotonic()))
            late_s = time.monotonic() - due_s
            self.journal.tally.lag(round(late_s * 1e9))
            if late_s > _FLUSH_S:
                due_s = time.monotonic()
            self._flush()
            if count % 2 == 0:
                self.line()

    def _flush(self) -> None:
        recorder = self.journal.recorder
        if recorder is None:
            return
        recorder.flush()
        if recorder.error is not None and not self._complained:
            self._complained = True
            print(
                f"statedrill: the record cannot be written any more: {recorder.error}\n"
                "  make room and repeat the drill; it cannot be judged",
                file=sys.stderr,
                flush=True,
            )

    def line(self) -> None:
        """Report now what was done since the last line."""
        figures = {**self.journal.tally.line(), **self.extra()}
        self._line_number += 1
        self.last_line = {"line": self._line_number, **figures}
        if self._lines and self.journal.recorder is not None:
            self.journal.recorder.load(**figures)


def _too_late(row: tuple[Any, ...]) -> None:
    """After the record was closed nothing more can be said."""
