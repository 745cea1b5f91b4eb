"""Where due sessions wait for a free user: a queue with a bound, and everything is counted.

Knows gevent's events; knows no clock, no Locust and no HTTP.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from gevent.event import AsyncResult

DEFAULT_BOUND = 10_000


class Desk:
    """Hands arrivals to free users in the order of both.

    `queued_max` is the longest queue and `dropped` the arrivals that found it full, both since
    `take_figures`; `arrived` counts what came, `waited` what found no free user, `started` what a
    user began, `ended` what one played to its end; `session_s` is the mean length of the latter, as
    it was meant (None: there was none).
    """

    def __init__(self, bound: int = DEFAULT_BOUND) -> None:
        self.bound = bound
        self._free: deque[AsyncResult] = deque()
        self._queue: deque[int] = deque()
        self._queued_max = 0
        self._dropped = 0
        self._arrived = 0
        self._started = 0
        self._waited = 0
        self._lengths_s: list[float] = []

    def arrive(self, due_ns: int) -> None:
        """A session is due: a free user takes it, else it queues, else it is dropped."""
        self._arrived += 1
        if self._free:
            self._started += 1
            self._free.popleft().set(due_ns)
            return
        self._waited += 1
        if len(self._queue) < self.bound:
            self._queue.append(due_ns)
            self._queued_max = max(self._queued_max, len(self._queue))
        else:
            self._dropped += 1

    def ask(self) -> AsyncResult:
        """A user is free: the result gets the due time of its next session, or None to go home."""
        ticket = AsyncResult()
        if self._queue:
            self._started += 1
            ticket.set(self._queue.popleft())
        else:
            self._free.append(ticket)
        return ticket

    def leave(self, ticket: AsyncResult) -> None:
        """The user with this ticket wants no session any more."""
        if ticket in self._free:
            self._free.remove(ticket)
        if not ticket.ready():
            ticket.set(None)

    def done(self, length_s: float) -> None:
        """A user has played a session to its end; a server that answers at once takes that long."""
        self._lengths_s.append(length_s)

    def take_figures(self) -> dict[str, Any]:
        """What happened since the last call; the queue as it is counts on."""
        lengths_s, self._lengths_s = self._lengths_s, []
        figures = {
            "queued": self._queued_max,
            "dropped": self._dropped,
            "arrived": self._arrived,
            "waited": self._waited,
            "started": self._started,
            "ended": len(lengths_s),
            "session_s": round(sum(lengths_s) / len(lengths_s), 3) if lengths_s else None,
        }
        self._queued_max = len(self._queue)
        self._dropped = self._arrived = self._waited = self._started = 0
        return figures
