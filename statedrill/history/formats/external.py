"""The neutral form of a history that another tool recorded.

Every reader of this folder ends here and every search of `check` begins here. Knows what an
operation is and how calls meet their answers; knows neither a file's syntax nor a verdict.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from statedrill.errors import HistoryError
from statedrill.history.operation import FOREVER
from statedrill.vocabulary import Outcome

ANY_ACTION = "any"  # an answer without success need not repeat what was asked for
DAMAGED = "the file is damaged or not what it seems: compare it with the original"


@dataclass(frozen=True, slots=True)
class ForeignOperation:
    """One call of another tool's history.

    `call` and `ret` are positions in the file, or nanoseconds where the format has them; `ret` is
    FOREVER where no answer is on record. `key` names the object (None: there is only one).
    `value` is the argument (for `cas` the pair old, new), `result` what was shown.
    """

    process: str
    action: str
    key: Hashable
    value: Any
    result: Any
    call: int
    ret: int
    outcome: Outcome
    where: str

    def sentence(self) -> str:
        """The operation for a reader: who did what, with which result, and where it stands."""
        said = f"{self.action} {self.value!r}" if self.value is not None else self.action
        if self.outcome is Outcome.UNKNOWN:
            said += " (outcome unknown)"
        elif self.outcome is Outcome.FAILED:
            said += " (failed)"
        elif self.action in ("read", "get", "range"):
            said += f" gave {self.result!r}"
        return f"{said} by process {self.process} ({self.where})"


@dataclass(frozen=True)
class ForeignHistory:
    """All operations of one object family, in the order of their calls.

    `model` is one of: register, cas-register, kv, set, append-log, etcd. `watches` is used by
    etcd only (see `etcd.Watch`). `source` is the file or folder, for messages. `whole` is False
    where other clients may have written what is not on record (one file of several).
    """

    model: str
    operations: tuple[ForeignOperation, ...]
    source: str
    format: str
    watches: tuple[Any, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a history that records calls and answers apart: half of an operation."""

    process: str
    type: str  # invoke | ok | fail | info
    action: str
    key: Hashable
    value: Any
    line: int


@dataclass
class Pairing:
    """Joins the halves of operations; positions are the numbers of the entries, from 1 up.

    An answer of unknown outcome (`info`) or none at all leaves a write unknown for ever, and
    its process may not come back. A read that gave nothing is left out.
    """

    source: str
    operations: list[ForeignOperation] = field(default_factory=list)
    _open: dict[str, tuple[int, Entry]] = field(default_factory=dict)
    _position: int = 0

    def add(self, entry: Entry, result: Any = None) -> None:
        """Take the next entry; `result` is what a completion showed.

        Raises:
            HistoryError: a completion without a call, or a call while another one is open.
        """
        self._position += 1
        if entry.type == "invoke":
            if entry.process in self._open:
                self._refuse(entry, f"process {entry.process} calls again before its answer")
            self._open[entry.process] = (self._position, entry)
            return
        begun = self._open.pop(entry.process, None)
        if begun is None:
            self._refuse(entry, f"an answer to process {entry.process}, which has not called")
            return
        position, call = begun
        same = entry.action in (call.action, ANY_ACTION)
        if not same or (entry.type == "ok" and call.key != entry.key):
            self._refuse(entry, f"the answer does not fit the call in line {call.line}")
        outcome = {"ok": Outcome.OK, "fail": Outcome.FAILED, "info": Outcome.UNKNOWN}[entry.type]
        self._close(position, call, outcome, result, entry.line)

    def finish(self) -> tuple[ForeignOperation, ...]:
        """Every operation in the order of its call; those still open are of unknown outcome."""
        for position, call in self._open.values():
            self._close(position, call, Outcome.UNKNOWN, None, None)
        self._open.clear()
        return in_order(self.operations)

    def _close(
        self, position: int, call: Entry, outcome: Outcome, result: Any, line: int | None
    ) -> None:
        if call.action in ("read", "get") and outcome is not Outcome.OK:
            return
        ended = FOREVER if outcome is Outcome.UNKNOWN else self._position
        lines = f"line {call.line}" if line is None else f"lines {call.line} and {line}"
        self.operations.append(
            ForeignOperation(
                call.process, call.action, call.key, call.value, result,
                position, ended, outcome, lines,
            )
        )  # fmt: skip

    def _refuse(self, entry: Entry, reason: str) -> None:
        raise HistoryError(f"{self.source}:{entry.line}: {reason}", DAMAGED)


def in_order(operations: Iterable[ForeignOperation]) -> tuple[ForeignOperation, ...]:
    """The operations sorted by the time of their call."""
    return tuple(sorted(operations, key=lambda each: each.call))
