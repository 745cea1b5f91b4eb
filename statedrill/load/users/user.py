"""`StatefulUser`: what scenario files import. A Locust user whose every call is recorded.

Knows Locust's user and its states; what the calls mean is said in `actions` and `session`.
"""

from __future__ import annotations

import contextlib
import random
import time

import gevent.event
import locust
from locust.env import Environment
from locust.exception import RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from locust.user.task import LOCUST_STATE_STOPPING

from statedrill.errors import InputError
from statedrill.load.arrivals.pace import Pace
from statedrill.load.http.client import checked_address
from statedrill.load.locust_hooks import LocustHooks
from statedrill.load.users.actions import SignInAbandoned, UserActions

_PAUSE_S = 0.01
_SIGN_IN_ATTEMPTS = 3  # of a session of the open model


class StatefulUser(UserActions, locust.User):
    """A person with state. Write tasks with the methods of `UserActions`.

    Between two calls the user waits for its turn (one call per pace), so tasks need no
    `wait_time`. In the closed model a user is one session, from sign-in to the end of the test. In
    the open model a user of the pool plays one session after the other, whenever one is due: it
    signs in, plays `session_tasks` tasks and leaves. `dice` is a random generator of the session's
    own, seeded by the run's seed and the session's number.
    """

    abstract = True
    session_tasks = 5

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        hooks = LocustHooks.of(environment)
        self._load_process = hooks.load_process()
        self._address = _address(self.host or environment.host)
        self._leaving = gevent.event.Event()
        arrivals = hooks.arrivals()
        self._queue = arrivals.queue if arrivals else None
        self._pending: gevent.event.AsyncResult | None = None  # the next session, waited for
        self._scenario = self.tasks
        if self._queue is None:
            self._new_session()
            self._pace = Pace(self._load_process.settings.pace_s, self.session.number)
            self.tasks = [StatefulUser.stay]
        else:
            self.sign_in_attempts = _SIGN_IN_ATTEMPTS
            self.tasks = [StatefulUser.one_session]

    def wait_turn(self) -> None:
        """Wait for this user's next turn; a user that is asked to stop goes no further."""
        if self._pace.step_ns:
            now = time.monotonic_ns()
            slot = self._pace.next(now)
            counters = self._load_process.recording.counters
            counters.planned += self._pace.passed
            if slot > now and not self._leaving.wait((slot - now) / 1e9):
                counters.add_lag(time.monotonic_ns() - slot)
        elif self.session.client.error:
            # There is no server, and nothing else makes this user wait: let the others run.
            self._leaving.wait(_PAUSE_S)
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser

    def stay(self) -> None:
        """The only task Locust sees in the closed model: play the scenario's tasks for ever.

        Locust's own loop sleeps between tasks, which costs as much as parsing a response. What a
        task raises ends this one, is reported by Locust as usual, and Locust starts it again.
        """
        client, choice, tasks = self.session.client, self.dice.choice, self._scenario
        while self._state != LOCUST_STATE_STOPPING:
            before = client.call
            self._run(choice(tasks))
            wait_s = self.wait_time()
            if wait_s or client.call == before:
                # A task without a call must not keep all others from running.
                self._leaving.wait(wait_s)
        raise StopUser

    def one_session(self) -> None:
        """The only task of a user of the pool: wait for a session that is due, and play it."""
        assert self._queue is not None
        due_ns = self._next_due()
        if due_ns is None:
            raise StopUser
        self._new_session()
        self.session.due = due_ns
        self._calls_ahead_of_pace = 0
        self._pace = Pace.starting(self._load_process.settings.pace_s, due_ns)
        try:
            self.sign_in()
            for _ in range(self.session_tasks):
                self._run(self.dice.choice(self._scenario))
            self._queue.completed(self._pace.starts * self._pace.step_ns / 1e9)
        except SignInAbandoned:
            pass
        finally:
            self.session.end()

    def stop(self, force: bool = False) -> bool:
        """Locust asks this user to leave: with `force` at once, else after the call in flight.

        Locust itself kills a user that waits, which may hit one that has just begun a call.
        """
        if force or self._state is None:
            return bool(super().stop(force=True))
        self._state = LOCUST_STATE_STOPPING
        self._leaving.set()
        if self._queue is not None and self._pending is not None:
            self._queue.cancel(self._pending)
        return False

    def on_stop(self) -> None:
        """The user leaves."""
        if self._queue is None:
            self.session.end()

    def _new_session(self) -> None:
        self.session = self._load_process.session(self._address)
        self.dice = random.Random(f"{self._load_process.settings.seed}-{self.session.number}")

    def _next_due(self) -> int | None:
        assert self._queue is not None
        self._pending = pending = self._queue.next_session()
        try:
            due_ns: int | None = pending.get()
        except BaseException:
            self._queue.cancel(pending)
            raise
        self._pending = None
        return due_ns

    def _run(self, task: object) -> None:
        """Play one task: a function, or a TaskSet until it interrupts itself."""
        assert callable(task)
        if isinstance(task, type):
            with contextlib.suppress(RescheduleTask, RescheduleTaskImmediately):
                task(self).run()
        else:
            task(self)


def _address(host: str | None) -> str:
    """Where to send to; without a host the whole test ends, with a sentence."""
    try:
        return checked_address(host)
    except InputError as error:
        raise StopTest(str(error)) from None
