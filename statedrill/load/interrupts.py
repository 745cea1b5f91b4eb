"""Signals that end a load process, delivered where they lose nothing.

Python raises an interrupt wherever it happens to be, which may be in a user between the end of a
call and its record. Here the main greenlet alone hears of it. Knows no Locust.
"""

from __future__ import annotations

import signal

import gevent


def deliver(number: int, exception: BaseException) -> None:
    """When signal `number` comes, raise `exception` in the main greenlet, and only there."""
    hub = gevent.get_hub()
    gevent.signal_handler(number, lambda: hub.handle_system_error(type(exception), exception))


def end_cleanly() -> None:
    """SIGINT and SIGTERM run every `finally` of the main greenlet and end with 130 and 143."""
    for number in (signal.SIGINT, signal.SIGTERM):
        deliver(number, SystemExit(128 + number))
