"""`StatefulUser`: what scenario files import. A Locust user whose every call is recorded.

Knows Locust's user and its states; what the calls mean is `visitor`'s and `session`'s.
"""

from __future__ import annotations

import random
import time
from typing import Any

import gevent
import locust
from locust.exception import StopUser
from locust.user.task import (
    LOCUST_STATE_RUNNING,
    LOCUST_STATE_STOPPING,
    LOCUST_STATE_WAITING,
)

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
        self._generator.journal.tally.users += 1

    def turn(self) -> None:
        """Wait for this user's next turn; a user that is asked to stop goes no further."""
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
        if not self._pace.step_ns:
            return
        now = time.monotonic_ns()
        slot = self._pace.next(now)
        if slot > now:
            self._rest_until(slot)

    def on_stop(self) -> None:
        """The user leaves."""
        self.session.end()
        self._generator.journal.tally.users -= 1

    def _rest_until(self, slot_ns: int) -> None:
        # In this state Locust may end the user at once: nothing is in flight.
        self._state = LOCUST_STATE_WAITING
        gevent.sleep((slot_ns - time.monotonic_ns()) / 1e9)
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
        self._state = LOCUST_STATE_RUNNING
        self._generator.journal.tally.lag(time.monotonic_ns() - slot_ns)
