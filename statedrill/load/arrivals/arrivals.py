"""The open model in one load process: sessions start when the plan says, whatever the answers do.

A pool of users waits at a queue; one greenlet hands them the due times of the plan. Knows gevent
and the clock; knows no Locust, and nothing of what a session does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import gevent

from statedrill.history.load_line import LoadLine
from statedrill.load.arrivals.arrival_queue import ArrivalQueue
from statedrill.load.recording.counters import Counters


class Arrivals:
    """The arrivals of one load process; `queue` is where its users wait."""

    def __init__(self, counters: Counters, bound: int) -> None:
        self.queue = ArrivalQueue(bound)
        self._counters = counters
        self._scheduler: gevent.Greenlet | None = None

    def begin(self, due_s: Iterator[float], start_ns: int) -> None:
        """Start to hand out due times, in seconds after `start_ns` (monotonic)."""
        self.stop()
        self._scheduler = gevent.spawn(self._play, due_s, start_ns)

    def stop(self) -> None:
        """No session is due any more."""
        if self._scheduler is not None:
            self._scheduler.kill(block=False)
            self._scheduler = None

    def take_figures(self) -> LoadLine:
        """What became of the arrivals since the last call."""
        figures = self.queue.take_figures()
        self._counters.planned += figures["dropped"]
        return figures

    def _play(self, due_s: Iterator[float], start_ns: int) -> None:
        for each_s in due_s:
            due_ns = start_ns + round(each_s * 1e9)
            ahead_ns = due_ns - time.monotonic_ns()
            if ahead_ns > 0:
                gevent.sleep(ahead_ns / 1e9)
            self._counters.add_lag(time.monotonic_ns() - due_ns)
            self.queue.arrive(due_ns)
