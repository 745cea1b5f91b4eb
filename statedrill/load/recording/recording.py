"""Where one load process writes what its users did: the record, the live figures, and a listener.

Knows the numbers that stand for names in the record; knows no HTTP and no Locust.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statedrill.history.recorder import Recorder
from statedrill.load.contract import Call
from statedrill.load.recording.counters import Tally

# (call, latency in ns, service time in ns, length of the body, what went wrong or "")
Listener = Callable[[Call, int, int, int, str], None]
_MAX_INSTANCES = 60_000


class Journal:
    """The record of one load process; without a `recorder` only figures are kept."""

    def __init__(
        self, run: str, recorder: Recorder | None = None, listener: Listener | None = None
    ) -> None:
        self.run = run
        self.recorder = recorder
        self.listener = listener
        self.tally = Tally()
        self.keep: Callable[[tuple[Any, ...]], None] = recorder.keep if recorder else _nowhere
        self._codes: dict[Call, tuple[int, int]] = {}
        self._named: dict[tuple[Call, str], tuple[int, int]] = {}
        self._instances: dict[bytes | None, int] = {None: 0}

    def codes(self, call: Call, name: str = "") -> tuple[int, int]:
        """(number of the operation, number of the object) of a call, of object `name` if any."""
        found = self._codes.get(call) if not name else self._named.get((call, name))
        return found or self._learn(call, name)

    def instance(self, shown: bytes | None) -> int:
        """The number of the instance that an answer named (0: it named none)."""
        found = self._instances.get(shown)
        if found is None and shown is not None:
            name = shown.decode("latin-1")[:100]
            if self.recorder is None or len(self._instances) > _MAX_INSTANCES:
                return 0
            found = self._instances[shown] = self.recorder.code("instance", name)
        return found or 0

    def session(self, number: int, **facts: Any) -> None:
        """What the audit needs to come back as this user; the last line of a session counts."""
        if self.recorder is not None:
            self.recorder.session(number, **facts)

    def _learn(self, call: Call, name: str) -> tuple[int, int]:
        if self.recorder is None:
            return 0, 0
        whole = call.object + name if call.object.endswith("/") else call.object
        found = (
            self.recorder.code("op", call.op),
            self.recorder.code("object", whole, call.model),
        )
        if call.object.endswith("/"):
            self._named[call, name] = found
        else:
            self._codes[call] = found
        return found


def _nowhere(row: tuple[Any, ...]) -> None:
    """No recorder: the row is not kept."""
