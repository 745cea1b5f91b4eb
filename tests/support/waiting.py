"""Wait for a condition, with a deadline; no test sleeps for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 20.0


def wait_until(
    condition: Callable[[], T], what: str = "the condition", deadline_s: float = DEADLINE_S
) -> T:
    """The first true value of `condition`; fails the test when there is none at the deadline."""
    end_s = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > end_s:
            raise AssertionError(f"not within {deadline_s:g} s: {what}")
        time.sleep(0.01)
    return value
