"""What a process does while a service that it needs is down: wait, pause, and log it once a second.

Knows no service. An outage makes thousands of requests fail for one reason; one line and a count
say it better than thousands.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
RETRY_START_S = 0.2
LOG_INTERVAL_S = 1.0

logger = logging.getLogger(__name__)


async def retry_until_ready(
    connect: Callable[[], Awaitable[T]], service: str, errors: tuple[type[BaseException], ...]
) -> T:
    """The result of the first `connect` that raises none of `errors`; logs the first failure."""
    logged = False
    while True:
        try:
            return await connect()
        except errors as error:
            if not logged:
                logger.warning("waiting for %s (%s)", service, describe(error))
            logged = True
            await asyncio.sleep(RETRY_START_S)


class CircuitBreaker:
    """Keeps a caller from asking a failed service again for `pause_s` seconds."""

    def __init__(self, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s = pause_s
        self._clock = clock
        self._open_until_s = 0.0

    def is_open(self) -> bool:
        """Whether the service failed a moment ago."""
        return self._clock() < self._open_until_s

    def trip(self) -> None:
        """The service has failed."""
        self._open_until_s = self._clock() + self._pause_s


class RateLimitedLog:
    """Logs the first warning of a kind, then at most one a second, with the number left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_s: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}

    def warn(self, kind: str, sentence: str) -> None:
        """Log `sentence`, or count it if its kind was logged less than a second ago."""
        now_s = self._clock()
        if now_s < self._next_s.get(kind, 0.0):
            self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
            return
        self._next_s[kind] = now_s + LOG_INTERVAL_S
        count = self._suppressed.pop(kind, 0)
        logger.warning("%s%s", sentence, f" (and {count} more like it)" if count else "")


def describe(error: BaseException) -> str:
    """One line for a log or a response: the class of the error and its first line."""
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
