"""Recorders that write small records, for the tests of this room."""

from __future__ import annotations

from pathlib import Path

from statedrill.history.operation import Operation
from statedrill.history.recorder import Recorder
from statedrill.vocabulary import Kind, Model, Outcome


def recorder(folder: Path, worker: int = 0) -> Recorder:
    """A recorder that has named object 1, operation 1."""
    fresh = Recorder(folder, "r1", worker)
    fresh.code("object", "preferences", Model.REGISTER)
    fresh.code("op", "look")
    return fresh


def operation(session: int, call: int, **more: object) -> Operation:
    facts = {"object": 1, "op": 1, "kind": Kind.READ, "outcome": Outcome.OK, "lane": 0, **more}
    return Operation(call=call, ret=call + 5, session=session, **facts)  # type: ignore[arg-type]
