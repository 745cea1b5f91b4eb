"""Whether the target is gone for good: the audit asks its control address when it cannot read.

A target replaces what died, which takes a while; only what is missing for longer is gone. Knows the
control address; knows no kind of target and nothing of what is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from gevent import get_hub

from statedrill.control.client import ControlFailure, call

_ASK_EVERY_S = 1.0
_TIMEOUT_S = 10.0
_TROUBLE_ENDS_S = 20.0
"""A read that keeps failing is retried sooner than this: after a longer silence it succeeded."""


def missing_parts() -> Sequence[str]:
    """What the target says it is missing, in words; empty when it is healthy."""
    try:
        # In a thread: an answer may take seconds, and other sessions are read meanwhile.
        status = get_hub().threadpool.apply(call, ("status",), {"timeout_s": _TIMEOUT_S})
    except ControlFailure as failure:
        return [str(failure)]
    return [str(each) for each in status.get("missing", ())]


class TargetHealth:
    """Gone for good is a target that was not healthy at any look for `patience_s`.

    The looks of one trouble follow each other; the time between two troubles does not count.
    """

    def __init__(
        self,
        patience_s: float,
        ask: Callable[[], Sequence[str]] = missing_parts,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience_s, self._ask, self._now = patience_s, ask, now
        self._ask_at_s = 0.0
        self._looked_at_s = 0.0
        self._missing_since_s: float | None = None
        self.gone: Sequence[str] = ()

    def look(self) -> None:
        """A read failed: ask for the reason, at most once a second. `gone` has what is missing
        once that is for good.
        """
        now = self._now()
        if now < self._ask_at_s or self.gone:
            return
        self._ask_at_s = now + _ASK_EVERY_S  # before asking: others come here meanwhile
        missing = self._ask()
        is_new = now - self._looked_at_s > _TROUBLE_ENDS_S
        self._looked_at_s = now
        if not missing:
            self._missing_since_s = None
        elif self._missing_since_s is None or is_new:
            self._missing_since_s = now
        elif now - self._missing_since_s >= self._patience_s:
            self.gone = missing
