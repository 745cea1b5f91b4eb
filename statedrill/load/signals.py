"""Signals that end a load process, delivered where they lose nothing.

Python raises an interrupt wherever it happens to be, which may be in a user between the end of a
call and its record. Here the main greenlet alone hears of it. Imports no Locust.
"""

from __future__ import annotations

import signal
from collections.abc import Collection
from typing import Any

import gevent


def deliver(number: int, exception: BaseException) -> None:
    """When signal `number` comes, raise `exception` in the main greenlet, and only there."""
    hub = gevent.get_hub()
    gevent.signal_handler(number, lambda: hub.handle_system_error(type(exception), exception))


def leave_while_waiting(runner: Any, later: Collection[int]) -> None:
    """Have a master that waits for its load processes tell them when it is interrupted.

    Locust listens to signals only when its test has begun; until then it would die without a word
    to those who are there already. From then on the signals of `later` interrupt the main greenlet.
    """

    def leave(number: int) -> None:
        hub = gevent.get_hub()
        if runner.state == "ready":
            runner.quit()
            hub.handle_system_error(SystemExit, SystemExit(128 + number))
        elif number in later:
            hub.handle_system_error(KeyboardInterrupt, KeyboardInterrupt())

    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, leave, number)


def end_cleanly() -> None:
    """SIGINT and SIGTERM run every `finally` of the main greenlet and end with 130 and 143."""
    for number in (signal.SIGINT, signal.SIGTERM):
        deliver(number, SystemExit(128 + number))
