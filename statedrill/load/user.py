"""`StatefulUser`: what scenario files import. A Locust user whose every call is recorded.

Knows Locust's user and its states; what the calls mean is `visitor`'s and `session`'s.
"""

from __future__ import annotations

import random
import time
from typing import Any

import gevent.event
import locust
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_STOPPING

from statedrill.load import process
from statedrill.load.pace import Pace
from statedrill.load.visitor import Visitor


class StatefulUser(Visitor, locust.User):
    """A person with state: one session from sign-in to the end of the test.

    Write tasks with the methods of `Visitor`. Between two calls the user waits for its turn (one
    call per pace), so tasks need no `wait_time`. `dice` is a random generator of the user's own,
    seeded by the run's seed and the session's number.
    """

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._generator = process.generator(environment)
        host = self.host or environment.host
        self.session = self._generator.session(process.address(host))
        self.dice = random.Random(f"{self._generator.settings.seed}-{self.session.number}")
        self._pace = Pace(self._generator.settings.pace_s, self.session.number)
        self._leaving = gevent.event.Event()

    def turn(self) -> None:
        """Wait for this user's next turn; a user that is asked to stop goes no further."""
        if self._pace.step_ns:
            now = time.monotonic_ns()
            slot = self._pace.next(now)
            if slot > now and not self._leaving.wait((slot - now) / 1e9):
                self._generator.journal.tally.lag(time.monotonic_ns() - slot)
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser

    def stop(self, force: bool = False) -> bool:
        """Locust's wish: with `force` at once, else after the call in flight, if there is one.

        Locust itself kills a user that waits, which may hit one that has just begun a call.
        """
        if force or self._state is None:
            return bool(super().stop(force=True))
        self._state = LOCUST_STATE_STOPPING
        self._leaving.set()
        return False

    def on_stop(self) -> None:
        """The user leaves."""
        self.session.end()
