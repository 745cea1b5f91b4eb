"""What one load process has in common: settings, record, figures, and a line about them a second.

Knows no Locust: `locust_hooks` ties it to Locust's events.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple, Protocol

import gevent

from statedrill.control.client import names_file
from statedrill.history.load_line import LoadLine
from statedrill.history.recorder import Recorder
from statedrill.load.http.client import HttpClient
from statedrill.load.http.name_resolution import NameResolution
from statedrill.load.recording.recording import Listener, Recording
from statedrill.load.session.session import Session
from statedrill.load.settings import Settings

_FLUSH_S = 0.5
# Users of several load processes are numbered in strides. Prime, so that no packing of the record
# by session number puts all users of one process into one part; and of all primes near one that
# keeps users evenly on the clock (Pace multiplies the number by the golden ratio): 1021 would bunch
# each process's users within a quarter of the pace.
STRIDE = 1447


class Location(NamedTuple):
    """Where a load process runs: on another `machine`, whose clock is `shift_ns` behind the run's,
    or on this one.
    """

    machine: str = ""
    shift_ns: int = 0


LOCAL = Location()


class Delivery(Protocol):
    """What brings the record of a load process on another machine into the run's folder."""

    def figures(self) -> LoadLine:
        """More of the line a second."""

    def end(self) -> None:
        """The test has stopped, and the record says so."""

    def close(self, rows: int) -> None:
        """The record of so many operations is closed."""


def new_recording(
    settings: Settings,
    worker: int = 0,
    listener: Listener | None = None,
    location: Location = LOCAL,
) -> Recording:
    """The recording of load process number `worker`, with a record if `settings` name a folder."""
    recorder = None
    if settings.history is not None:
        recorder = Recorder(
            settings.history,
            settings.run,
            worker,
            machine=location.machine,
            shift_ns=location.shift_ns,
        )
    return Recording(settings.run, recorder, listener)


def session_numbers(worker: int | None = None) -> Iterator[int]:
    """The numbers of the sessions of load process `worker`, which no other of the run uses.

    They are 1, 2, ... for the only process (None), else in strides.
    """
    return count(1) if worker is None else count(worker + 1, STRIDE)


def _no_figures() -> LoadLine:
    return {}


class LoadProcess:
    """One load process: makes sessions and reports about itself once a second.

    `numbers` are those of its sessions. `planned` gives the part of the line that says what was to
    be done.
    """

    def __init__(
        self,
        settings: Settings,
        recording: Recording,
        numbers: Iterator[int],
        *,
        planned: Callable[[], LoadLine] = _no_figures,
        delivery: Delivery | None = None,
    ) -> None:
        self.settings = settings
        self.recording = recording
        self.last_line: LoadLine | None = None
        self._numbers = numbers
        self._names = NameResolution(names_file(settings.control))
        self._planned = planned
        self._delivery = delivery
        self._line_number = 0
        self._reporter: gevent.Greenlet | None = None
        self._writes_lines = True
        self._complained = False

    @property
    def is_far(self) -> bool:
        """Whether it runs on another machine, and its record has to be brought from there."""
        return self._delivery is not None

    def session(self, url: str) -> Session:
        """The session of a new user."""
        return self.session_numbered(next(self._numbers), url)

    def session_numbered(self, number: int, url: str) -> Session:
        """The session with this number, as a client that knows nothing yet."""
        settings = self.settings
        client = HttpClient(
            url,
            timeout_s=settings.timeout_s,
            connect_timeout_s=settings.connect_timeout_s,
            connections=settings.connections,
            names=self._names,
        )
        return Session(number, client, self.recording)

    def report(self, lines: bool = True) -> None:
        """Begin to flush the record twice a second and, with `lines`, to write a line a second."""
        self._writes_lines = lines
        self._reporter = gevent.spawn(self._report)

    def begin(self) -> None:
        """A test begins."""
        if self.recording.recorder is not None:
            self.recording.recorder.begin()

    def end(self) -> None:
        """The test has stopped: report what was done last, and say that nothing is missing."""
        self.line()
        if self.recording.recorder is not None:
            self.recording.recorder.end()
        if self._delivery is not None:
            self._delivery.end()

    def close(self) -> None:
        """Report the last time and close the record; safe to call twice."""
        if self._reporter is not None:
            self._reporter.kill(block=False)
            self._reporter = None
            if self.recording.counters.latencies_ns:
                self.line()
        self.recording.close()
        if self._delivery is not None:
            self._delivery.close(self.recording.recorder.rows if self.recording.recorder else 0)
            self._delivery = None

    def line(self) -> None:
        """Report now what was done since the last line."""
        figures: LoadLine = {
            **self.recording.counters.line(),
            **self._planned(),
            "dead_addresses": self._names.failed,
            "dead_addresses_s": round(self._names.failed_ns / 1e9, 3),
        }
        if self._delivery is not None:
            figures = {**figures, **self._delivery.figures()}
        self._line_number += 1
        self.last_line = {**figures, "line": self._line_number}
        if self._writes_lines and self.recording.recorder is not None:
            self.recording.recorder.load(figures)

    def _report(self) -> None:
        due_s = time.monotonic()
        for half_seconds in count(1):
            due_s += _FLUSH_S
            gevent.sleep(max(0.0, due_s - time.monotonic()))
            late_s = time.monotonic() - due_s
            self.recording.counters.add_lag(round(late_s * 1e9))
            if late_s > _FLUSH_S:
                due_s = time.monotonic()
            self._flush()
            if half_seconds % 2 == 0:
                self.line()

    def _flush(self) -> None:
        recorder = self.recording.recorder
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


def collect_garbage_less_often() -> None:
    """Let Python look for cyclic garbage less often: users make next to none, and every search
    through all objects is a pause in which all users are late.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
