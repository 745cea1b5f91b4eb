"""Where due sessions wait for a free user: a queue with a bound, and everything is counted.

Knows gevent's events; knows no clock, no Locust and no HTTP.
"""

from __future__ import annotations

from collections import deque

from gevent.event import AsyncResult

from statedrill.history.load_line import LoadLine

DEFAULT_BOUND = 10_000


class ArrivalQueue:
    """Hands due sessions to free users in the order of both.

    A free user holds an `AsyncResult` that gets the due time (monotonic ns) of its next session,
    or None when it gets none.
    """

    def __init__(self, bound: int = DEFAULT_BOUND) -> None:
        self.bound = bound
        self._free_users: deque[AsyncResult] = deque()
        self._due_ns: deque[int] = deque()
        self._queued_max = 0
        self._dropped = 0
        self._arrived = 0
        self._started = 0
        self._waited = 0
        self._lengths_s: list[float] = []

    def arrive(self, due_ns: int) -> None:
        """A session is due: a free user takes it, else it queues, else it is dropped."""
        self._arrived += 1
        if self._free_users:
            self._started += 1
            self._free_users.popleft().set(due_ns)
            return
        self._waited += 1
        if len(self._due_ns) < self.bound:
            self._due_ns.append(due_ns)
            self._queued_max = max(self._queued_max, len(self._due_ns))
        else:
            self._dropped += 1

    def next_session(self) -> AsyncResult:
        """A user is free: the result gets the due time of its next session."""
        pending = AsyncResult()
        if self._due_ns:
            self._started += 1
            pending.set(self._due_ns.popleft())
        else:
            self._free_users.append(pending)
        return pending

    def cancel(self, pending: AsyncResult) -> None:
        """The user that waits for this result wants no session any more: it gets None."""
        if pending in self._free_users:
            self._free_users.remove(pending)
        if not pending.ready():
            pending.set(None)

    def completed(self, length_s: float) -> None:
        """A user has played a session to its end; `length_s` is how long it was meant to take."""
        self._lengths_s.append(length_s)

    def take_figures(self) -> LoadLine:
        """What happened since the last call; the present queue counts for the next one, too."""
        lengths_s, self._lengths_s = self._lengths_s, []
        figures: LoadLine = {
            "queued": self._queued_max,
            "dropped": self._dropped,
            "arrived": self._arrived,
            "waited": self._waited,
            "started": self._started,
            "ended": len(lengths_s),
            "session_s": round(sum(lengths_s) / len(lengths_s), 3) if lengths_s else None,
        }
        self._queued_max = len(self._due_ns)
        self._dropped = self._arrived = self._waited = self._started = 0
        return figures
