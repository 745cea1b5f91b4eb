"""Signals that end a load process, delivered where they lose nothing.

Python raises an interrupt wherever it happens to be, which may be in a user between the end of a
call and its record. Here only the main greenlet gets it. Imports no Locust.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Collection
from typing import Protocol

import gevent

_PR_SET_PDEATHSIG = 1
# Locust forks its load processes after it has imported the scenario: this is then their parent.
_IMPORTED_BY = os.getpid()


class Quitting(Protocol):
    """What is needed of a Locust runner here."""

    state: str

    def quit(self) -> None:
        """End the test and the process."""


def deliver(number: int, exception: BaseException) -> None:
    """When signal `number` comes, raise `exception` in the main greenlet, and only there."""
    hub = gevent.get_hub()
    gevent.signal_handler(number, lambda: hub.handle_system_error(type(exception), exception))


def quit_while_waiting(runner: Quitting, later: Collection[int]) -> None:
    """A master that is interrupted while it waits for its load processes has them quit, too.

    Locust listens to signals only when its test has begun; until then it would die without telling
    the load processes that are there already. From then on the signals of `later` interrupt the
    main greenlet.
    """

    def on_signal(number: int) -> None:
        hub = gevent.get_hub()
        if runner.state == "ready":
            runner.quit()
            hub.handle_system_error(SystemExit, SystemExit(128 + number))
        elif number in later:
            hub.handle_system_error(KeyboardInterrupt, KeyboardInterrupt())

    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, on_signal, number)


def end_cleanly() -> None:
    """SIGINT and SIGTERM run every `finally` of the main greenlet and end with 130 and 143."""
    for number in (signal.SIGINT, signal.SIGTERM):
        deliver(number, SystemExit(128 + number))


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send signal `number` to this process when its parent dies (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != _IMPORTED_BY:  # it died before the kernel knew
            os.kill(os.getpid(), number)
