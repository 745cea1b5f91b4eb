"""Where one load process writes what its users did: the record, the live figures, and a listener.

Knows the numbers that stand for names in the record; knows no HTTP and no Locust.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statedrill.history.recorder import Recorder
from statedrill.history.session_line import SessionLine
from statedrill.load.contract import Call
from statedrill.load.recording.counters import Counters

# (call, latency in ns, service time in ns, length of the body, what went wrong or "")
Listener = Callable[[Call, int, int, int, str], None]
# One operation, its values in the order of `recorder.COLUMNS`.
Row = tuple[Any, ...]
_MAX_INSTANCES = 60_000


class Recording:
    """The record of one load process; without a `recorder` only figures are kept.

    `write` takes one operation as a row; it is an attribute because it is in the hot path.
    """

    def __init__(
        self, run: str, recorder: Recorder | None = None, listener: Listener | None = None
    ) -> None:
        self.run = run
        self.recorder = recorder
        self.listener = listener
        self.counters = Counters()
        self.write: Callable[[Row], None] = recorder.keep if recorder else _ignore
        self._codes: dict[Call, tuple[int, int]] = {}
        self._named_codes: dict[tuple[Call, str], tuple[int, int]] = {}
        self._instances: dict[bytes | None, int] = {None: 0}

    def codes(self, call: Call, name: str = "") -> tuple[int, int]:
        """(number of the operation, number of the object) of a call, of object `name` if any."""
        found = self._named_codes.get((call, name)) if name else self._codes.get(call)
        return found or self._new_codes(call, name)

    def instance(self, shown: bytes | None) -> int:
        """The number of the instance that a response named (0: it named none)."""
        found = self._instances.get(shown)
        if found is None and shown is not None:
            name = shown.decode("latin-1")[:100]
            if self.recorder is None or len(self._instances) > _MAX_INSTANCES:
                return 0
            found = self._instances[shown] = self.recorder.code("instance", name)
        return found or 0

    def save_session(self, number: int, line: SessionLine) -> None:
        """Write down what the audit needs to come back as the user of this session."""
        if self.recorder is not None:
            self.recorder.session({**line, "session": number})

    def close(self) -> None:
        """Close the record; operations that come later are dropped. Safe to call twice."""
        if self.recorder is not None:
            self.recorder.close()
            self.write = _ignore

    def _new_codes(self, call: Call, name: str) -> tuple[int, int]:
        if self.recorder is None:
            return 0, 0
        named = call.object.endswith("/")
        codes = (
            self.recorder.code("op", call.op),
            self.recorder.code("object", call.object + name if named else call.object, call.model),
        )
        if named:
            self._named_codes[call, name] = codes
        else:
            self._codes[call] = codes
        return codes


def _ignore(row: Row) -> None:
    """There is no record, or it is closed."""
