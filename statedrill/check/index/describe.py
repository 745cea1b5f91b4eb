"""Operations in words: what one row was, as an entry of a witness and as part of a sentence.

Knows columns and names; knows no definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from statedrill.check.index.operations import OperationTable
from statedrill.check.verdict.record import WitnessOperation
from statedrill.history.operation import (
    ABSENT,
    ALIEN,
    FOREIGN,
    INITIAL,
    NO_VERSION,
    NOT_SHOWN,
    NOTHING,
    SIGNED_OUT,
    write_id,
)
from statedrill.history.store import Part
from statedrill.vocabulary import Kind, Outcome

_SHOWS = {
    INITIAL: "never written",
    ABSENT: "content gone",
    ALIEN: "an id that nobody sent",
    FOREIGN: "another session's write",
    NOTHING: "nothing",
}


@dataclass(frozen=True)
class Explanation:
    """Why a row is a violation: the rows that prove it, and the sentence that a reader gets."""

    rows: Sequence[int]
    sentence: str


@dataclass(frozen=True)
class Describer:
    """Puts rows of a table into words; `origin_ns` is the zero of all times."""

    table: OperationTable
    part: Part
    run: str
    origin_ns: int

    def operation(self, row: int) -> WitnessOperation:
        """One operation of a witness, as the verdict's key "operations" has it."""
        raw = self.table.source_row[row]
        kind = Kind(int(self.table["kind"][row]))
        version = int(self.table.version[row])
        return {
            "what": self.op(row),
            "kind": kind.name.lower(),
            "outcome": Outcome(int(self.table.outcome[row])).name.lower(),
            "who": f"session {self.session(row)}",
            "call_s": self.seconds(self.part["call"][raw]),
            "ret_s": self.seconds(self.part["ret"][raw]),
            "object": self.object(row),
            "wid": self.wid(row) if kind is not Kind.READ else self.shown_wid(row),
            "shows": self.shows(row),
            "ver": None if version == NO_VERSION else version,
            "instance": self.table.names.instances.get(int(self.part["instance"][raw])),
            "status": int(self.part["status"][raw]),
        }

    def seconds(self, ns: int) -> float:
        """A moment in seconds since the origin."""
        return round((int(ns) - self.origin_ns) / 1e9, 6)

    def at(self, row: int) -> str:
        """When the row's operation returned."""
        return f"{self.seconds(self.part['ret'][self.table.source_row[row]]):.3f} s"

    def called(self, row: int) -> str:
        """When the row's operation was called."""
        return f"{self.seconds(self.part['call'][self.table.source_row[row]]):.3f} s"

    def session(self, row: int) -> int:
        """The session's number."""
        return int(self.table["session"][row])

    def object(self, row: int) -> str:
        """The object's name."""
        code = int(self.table["object"][row])
        return self.table.names.objects.get(code, f"object {code}")

    def op(self, row: int) -> str:
        """The operation's name, or its kind where it has none."""
        code = int(self.part["op"][self.table.source_row[row]])
        kind = Kind(int(self.table["kind"][row])).name.lower()
        return self.table.names.ops.get(code) or f"{kind.replace('_', ' ')} {self.object(row)}"

    def wid(self, row: int) -> str:
        """The text of the id that this write sent."""
        return write_id(self.run, self.session(row), int(self.table["wid"][row]))

    def shown_wid(self, row: int) -> str | None:
        """The text of the id of the own session that the response showed, else None."""
        shown = int(self.table["read_wid"][row])
        return None if shown in _SHOWS else write_id(self.run, self.session(row), shown)

    def shows(self, row: int) -> str:
        """What the response showed, in words."""
        shown = int(self.table["read_wid"][row])
        what = _SHOWS.get(shown) or write_id(self.run, self.session(row), shown)
        return f"{what}{self.version(row)}"

    def version(self, row: int) -> str:
        """The version that the response showed, as an addition in brackets."""
        version = int(self.table.version[row])
        return "" if version == NO_VERSION else f" (version {version})"

    def signed_in_as(self, row: int) -> str:
        """What the response said of the server session."""
        code = int(self.table.server_session[row])
        if code == NOT_SHOWN:
            return "no server session"
        return "signed out" if code == SIGNED_OUT else f"server session number {code - 1}"

    def wids(self, rows: Sequence[int]) -> str:
        """The ids that some writes sent, at most three of them."""
        words = ", ".join(self.wid(row) for row in rows[:3])
        return words + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")
