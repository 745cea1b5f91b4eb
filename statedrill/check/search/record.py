"""The answer on a history of another tool, as `statedrill check --json` prints it.

Knows keys and types; judges nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from statedrill.vocabulary import VerdictOutcome


class ForeignOperationRecord(TypedDict):
    """One operation of a history of another tool, in the words of that tool."""

    what: str
    who: Any
    object: Any
    value: Any
    result: Any
    call: int | float
    ret: int | float | None
    outcome: Literal["ok", "failed", "unknown", "accepted"]
    where: str


class ForeignVerdict(TypedDict):
    """The answer on a history of another tool; see `check/search/judge.py`."""

    outcome: VerdictOutcome
    why: list[str]
    model: str
    format: str
    source: str
    operations: int
    unknown_operations: int
    keys: int
    states: int
    witness: str | None
    witness_operations: list[ForeignOperationRecord]
