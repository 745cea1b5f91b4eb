"""One way to wait for what only asking can tell. Knows nothing of what is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], object],
    timeout_s: float,
    poll_s: float = 0.02,
    give_up: Callable[[], bool] = lambda: False,
) -> bool:
    """Whether `condition` became true within `timeout_s` seconds, before `give_up` did.

    It is asked at least once, and then every `poll_s` seconds; what it raises ends the wait.
    """
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if give_up() or time.monotonic() > deadline_s:
            return False
        time.sleep(poll_s)
    return True
