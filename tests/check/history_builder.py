"""Small histories built in a line per operation, and a judge that needs no files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from statedrill.check import judge
from statedrill.check.checks.base import CheckResults
from statedrill.check.consequences import exclude_consequences
from statedrill.check.context import CheckContext
from statedrill.check.run_checks import run_checks
from statedrill.check.verdict.record import Verdict
from statedrill.history.columns import ARROW_SCHEMA, NUMERIC, Names
from statedrill.history.events import Event
from statedrill.history.operation import NO_VERSION, NOTHING
from statedrill.history.store import History, Part, to_part
from statedrill.vocabulary import Kind, Model, Outcome, Phase
from tests.support.plans import plain_plan

MS = 1_000_000
START = 7_000_000_000_000

PREFERENCES, DRAFT, CART, HISTORY, ORDERS, SESSION, UPLOAD = range(1, 8)
NAMES = Names(
    objects={
        PREFERENCES: "preferences", DRAFT: "draft", CART: "cart", HISTORY: "history",
        ORDERS: "orders", SESSION: "session", UPLOAD: "upload/face",
    },
    models={
        PREFERENCES: Model.REGISTER, DRAFT: Model.REGISTER, CART: Model.SET, HISTORY: Model.LOG,
        ORDERS: Model.ORDERS, SESSION: Model.SESSION, UPLOAD: Model.REGISTER,
    },
    ops={1: "look", 2: "change"},
    instances={1: "i-00000001", 2: "i-00000002"},
)  # fmt: skip

CONTEXT = CheckContext(
    origin_ns=START, end_ns=START + 100_000 * MS, bin_ns=500 * MS, fault_begins_ns=(),
    lateness_ns=5_000 * MS, ttl_ns=2**62, drained=True, complete=True,
    loss_window_ns=None, thresholds=(),
)  # fmt: skip


@dataclass(frozen=True)
class InMemoryHistory(History):
    """A history in memory, in as many parts as there are tables."""

    tables: tuple[pa.Table, ...] = ()

    def part(self, number: int) -> Part:
        return to_part(self.tables[number])

    def span(self) -> tuple[int, int]:
        calls = [table["call"].to_numpy() for table in self.tables]
        rets = [table["ret"].to_numpy() for table in self.tables]
        if not calls:
            return 0, 0
        return int(min(c.min() for c in calls)), int(max(r.max() for r in rets))


@dataclass
class HistoryBuilder:
    """Rows of one run. Times are milliseconds from the start; an operation takes 2 ms."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    phase: Phase = Phase.BASELINE

    def add(self, at: float, session: int, thing: int, kind: Kind, **more: Any) -> int:
        """Add an operation; returns its number."""
        took = more.pop("took", 2)
        call = START + round(at * MS)
        row = {
            "call": call, "ret": call + round(took * MS), "session": session, "lane": 0,
            "object": thing, "op": 1 if kind is Kind.READ else 2, "kind": kind,
            "outcome": Outcome.OK, "wid": 0, "read_wid": NOTHING, "element": 0,
            "ver": NO_VERSION, "logical": 0, "attempt": 0, "instance": 1, "status": 200,
            "server_session": 0, "due": 0, "phase": self.phase, "items": None,
            "item_logicals": None, "note": None,
        }  # fmt: skip
        self.rows.append(row | more)
        return len(self.rows) - 1

    def write(self, at: float, thing: int, wid: int, **more: Any) -> int:
        """A write of session 1 that is confirmed; a PUT, or what the object takes."""
        kind = {CART: Kind.ADD, HISTORY: Kind.APPEND, ORDERS: Kind.APPEND, SESSION: Kind.SIGN_IN}
        kind = more.pop("kind", kind.get(thing, Kind.PUT))
        return self.add(at, more.pop("session", 1), thing, kind, wid=wid, **more)

    def read(self, at: float, thing: int, read_wid: int, **more: Any) -> int:
        """A read of session 1 that succeeds."""
        session = more.pop("session", 1)
        return self.add(at, session, thing, Kind.READ, read_wid=read_wid, **more)

    def table(self) -> pa.Table:
        """The rows as an Arrow table in the order of their call."""
        columns: dict[str, Any] = {
            name: np.array([row[name] for row in self.rows], dtype=dtype)
            for name, dtype in NUMERIC.items()
        }
        for name in ("items", "item_logicals"):
            columns[name] = pa.array([row[name] for row in self.rows], pa.list_(pa.uint32()))
        columns["note"] = pa.array([row["note"] for row in self.rows], pa.string())
        return pa.table(columns, schema=ARROW_SCHEMA).sort_by("call")

    def results(self, bounded: bool = False, **settings: Any) -> CheckResults:
        """What every check finds."""
        chosen = CheckContext(**{**vars(CONTEXT), **settings})
        results = run_checks(to_part(self.table()), NAMES, chosen, bounded)
        exclude_consequences(results)
        return results

    def counts(self, bounded: bool = False, **settings: Any) -> dict[str, int]:
        """The number of violations per check, without the zeros."""
        found = self.results(bounded, **settings).by_name
        numbers = {name: int(result.violation.sum()) for name, result in found.items()}
        return {name: number for name, number in numbers.items() if number}

    def history(
        self, events: Sequence[Event] = (), load: Sequence[Event] = (), **more: Any
    ) -> InMemoryHistory:
        """The builder as a history of one part."""
        tables = (self.table(),) if self.rows else ()
        return in_memory_history(tables, events, load, **more)

    def verdict(
        self, changes: dict[str, Any] | None = None, events: Sequence[Event] = (), **more: Any
    ) -> Verdict:
        """The verdict on the builder, made under a plain plan with `changes`."""
        return judge(self.history(events, **more), plain_plan(changes))


def in_memory_history(
    tables: Sequence[pa.Table],
    events: Sequence[Event] = (),
    load: Sequence[Event] = (),
    incomplete: tuple[int, ...] = (),
    *,
    names: Names = NAMES,
    machines: Mapping[int, str] | None = None,
) -> InMemoryHistory:
    """A history in memory."""
    return InMemoryHistory(
        folder=Path("nowhere"), run="r1", names=names, rows=sum(t.num_rows for t in tables),
        groups=tuple((number, 1) for number in range(len(tables))), incomplete=incomplete,
        events=tuple(events), load=tuple(load), tables=tuple(tables), machines=machines or {},
    )  # fmt: skip
