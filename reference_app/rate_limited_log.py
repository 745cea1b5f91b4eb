"""Warnings that repeat themselves, at most one line a second of each kind.

An outage makes thousands of requests fail for one reason; one line and a count tell it better.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

QUIET_S = 1.0

logger = logging.getLogger(__name__)


class Complaints:
    """Logs the first warning of a kind, then at most one every QUIET_S with what was left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until_s: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def warn(self, kind: str, sentence: str) -> None:
        """Log `sentence`, or count it when its kind was logged a moment ago."""
        now_s = self._clock()
        if now_s < self._quiet_until_s.get(kind, 0.0):
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return
        self._quiet_until_s[kind] = now_s + QUIET_S
        left_out = self._left_out.pop(kind, 0)
        logger.warning("%s%s", sentence, f" (and {left_out} more like it)" if left_out else "")
