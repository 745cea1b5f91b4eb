"""`StatefulUser`: what scenario files import. A Locust user whose every call is recorded.

Knows Locust's user and its states; what the calls mean is `visitor`'s and `session`'s.
"""

from __future__ import annotations

import contextlib
import random
import time
from typing import Any

import gevent.event
import locust
from locust.exception import RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from locust.user.task import LOCUST_STATE_STOPPING

from statedrill.errors import InputError
from statedrill.load import locust_hooks
from statedrill.load.arrivals.arrivals import is_open
from statedrill.load.arrivals.pace import Pace
from statedrill.load.users.actions import GaveUp, Visitor

_PAUSE_S = 0.01


class StatefulUser(Visitor, locust.User):
    """A person with state. Write tasks with the methods of `Visitor`.

    Between two calls the user waits for its turn (one call per pace), so tasks need no
    `wait_time`. In the closed model a user is one session, from sign-in to the end of the test. In
    the open model a user of the pool plays one session after the other, whenever one is due: it
    signs in, plays `session_tasks` tasks and leaves. `dice` is a random generator of the session's
    own, seeded by the run's seed and the session's number.
    """

    abstract = True
    session_tasks = 5

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._generator = locust_hooks.generator(environment)
        self._address = _address(self.host or environment.host)
        self._leaving = gevent.event.Event()
        self._ticket: Any = None
        self._arrivals: Any = self._generator.arrivals if is_open(environment) else None
        self._scenario = self.tasks
        if self._arrivals is None:
            self._enter()
            self._pace = Pace(self._generator.settings.pace_s, self.session.number)
            self.tasks = [StatefulUser.stay]
        else:
            self.patience = 3
            self.tasks = [StatefulUser.one_session]

    def turn(self) -> None:
        """Wait for this user's next turn; a user that is asked to stop goes no further."""
        if self._pace.step_ns:
            now = time.monotonic_ns()
            slot = self._pace.next(now)
            self._generator.journal.tally.planned += self._pace.passed
            if slot > now and not self._leaving.wait((slot - now) / 1e9):
                self._generator.journal.tally.lag(time.monotonic_ns() - slot)
        elif self.session.client.error:
            # Nobody is there, and nothing else makes this user wait: let the others run.
            self._leaving.wait(_PAUSE_S)
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser

    def stay(self) -> None:
        """The only task Locust sees in the closed model: play the scenario's tasks for ever.

        Locust's own loop sleeps between tasks, which costs as much as parsing an answer. What a
        task raises ends this one, is reported by Locust as usual, and Locust begins it anew.
        """
        client, choice, tasks = self.session.client, self.dice.choice, self._scenario
        while self._state != LOCUST_STATE_STOPPING:
            before = client.call
            self._run(choice(tasks))
            wait_s = self.wait_time()
            if wait_s or client.call == before:
                # A task without a call must not keep everybody else from running.
                self._leaving.wait(wait_s)
        raise StopUser

    def one_session(self) -> None:
        """The only task of a user of the pool: wait for a session that is due, and play it."""
        due_ns = self._next_due()
        if due_ns is None:
            raise StopUser
        self._enter()
        self.session.due = due_ns
        self._ahead = 0
        self._pace = Pace.starting(self._generator.settings.pace_s, due_ns)
        try:
            self.sign_in()
            for _ in range(self.session_tasks):
                self._run(self.dice.choice(self._scenario))
            self._arrivals.desk.done(self._pace.starts * self._pace.step_ns / 1e9)
        except GaveUp:
            pass
        finally:
            self.session.end()

    def stop(self, force: bool = False) -> bool:
        """Locust's wish: with `force` at once, else after the call in flight, if there is one.

        Locust itself kills a user that waits, which may hit one that has just begun a call.
        """
        if force or self._state is None:
            return bool(super().stop(force=True))
        self._state = LOCUST_STATE_STOPPING
        self._leaving.set()
        if self._ticket is not None:
            self._arrivals.desk.leave(self._ticket)
        return False

    def on_stop(self) -> None:
        """The user leaves."""
        if self._arrivals is None:
            self.session.end()

    def _enter(self) -> None:
        self.session = self._generator.session(self._address)
        self.dice = random.Random(f"{self._generator.settings.seed}-{self.session.number}")

    def _next_due(self) -> int | None:
        desk = self._arrivals.desk
        self._ticket = ticket = desk.ask()
        try:
            due_ns: int | None = ticket.get()
        except BaseException:
            desk.leave(ticket)
            raise
        self._ticket = None
        return due_ns

    def _run(self, task: Any) -> None:
        """Play one task: a function, or a TaskSet until it interrupts itself."""
        if isinstance(task, type):
            with contextlib.suppress(RescheduleTask, RescheduleTaskImmediately):
                task(self).run()
        else:
            task(self)


def _address(host: str | None) -> str:
    """Where to send to; without a host the whole test ends, with a sentence."""
    try:
        return locust_hooks.address(host)
    except InputError as error:
        raise StopTest(str(error)) from None
