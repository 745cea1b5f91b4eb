"""Records that end early: what a drill leaves that was killed, or stopped, at some moment."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from statedrill.check import judge
from statedrill.history.columns import PARQUET
from statedrill.history.operation import NO_VERSION, NOT_SHOWN, NOTHING
from statedrill.history.store import History
from statedrill.plan.record import PlanRecord
from statedrill.run_folder import read_plan
from statedrill.vocabulary import BROKEN, Kind, Outcome, Phase
from tests.check.history_builder import InMemoryHistory

_LOAD, _AUDIT = 0, 901  # the numbers of the processes that record


def recorded(folder: Path) -> InMemoryHistory:
    """The history of a run folder, in memory and in one part."""
    history = History.open(folder)
    table = pq.read_table(folder / PARQUET)
    fields = {name: getattr(history, name) for name in history.__dataclass_fields__}
    return InMemoryHistory(**fields | {"groups": ((0, 1),), "tables": (table,)})


def killed(history: InMemoryHistory, moment: int) -> InMemoryHistory:
    """Everything was killed at `moment`: what was in flight is not on record."""
    (table,) = history.tables
    rows = table.filter(pa.array(table["ret"].to_numpy() <= moment))
    return _ended(history, moment, rows, _open_processes(table, moment))


def torn(history: InMemoryHistory, moment: int) -> InMemoryHistory:
    """Killed while the last lines were written, be it the line that says that all is there."""
    cut = killed(history, moment)
    tables = cut.tables
    if cut.incomplete:
        tables = tuple(_without_the_last_to_end(table) for table in tables)
    incomplete = cut.incomplete or (_LOAD,)
    return _told(cut, tables, events=cut.events[:-1], incomplete=incomplete)


def stopped(history: InMemoryHistory, moment: int) -> InMemoryHistory:
    """The user stopped the drill: what was in flight is on record, and nobody knows its outcome."""
    (table,) = history.tables
    call, ret = table["call"].to_numpy(), table["ret"].to_numpy()
    rows = _left_open(table, (call <= moment) & (ret > moment), moment)
    interrupted = {"t": moment, "wall": 0.0, "event": "interrupted", "why": "Ctrl-C"}
    cut = _ended(history, moment, rows.filter(pa.array(call <= moment)), ())
    return replace(cut, events=(*cut.events, interrupted))


WAYS: Mapping[str, Callable[[InMemoryHistory, int], InMemoryHistory]] = {
    "killed": killed, "torn": torn, "stopped": stopped,
}  # fmt: skip


def moments(history: InMemoryHistory, count: int, seed: int) -> Iterator[int]:
    """`count` random moments of a drill; short phases come up as often as long ones."""
    dice = random.Random(seed)
    marks = sorted({event["t"] for event in history.events if event["event"] == "phase"})
    for _ in range(count):
        begin = dice.randrange(len(marks) - 1)
        yield dice.randrange(marks[begin], marks[begin + 1])


def broken(verdict: Mapping[str, Any]) -> set[str]:
    """What of a verdict is broken and counts: promised clauses and thresholds."""
    clauses = {
        each["clause"] for each in verdict["promise"]
        if each["promised"] and each["outcome"] == BROKEN
    }  # fmt: skip
    return clauses | {
        each["threshold"] for each in verdict["thresholds"] if each["outcome"] == BROKEN
    }


def accusations(history: InMemoryHistory, plan: PlanRecord, count: int, seed: int) -> list[str]:
    """Where the record is cut at `count` random moments, in every way: what is broken in the cut
    record and not in the whole one, in words.
    """
    allowed = broken(judge(history, plan))
    found = []
    for moment in moments(history, count, seed):
        for way, cut in WAYS.items():
            verdict = judge(cut(history, moment), plan)
            if more := broken(verdict) - allowed:
                found.append(f"{way} at {moment}: {', '.join(sorted(more))}; {verdict['why']}")
            elif verdict["outcome"] == "held":
                found.append(f"{way} at {moment}: held, though the drill was not over")
    return found


def sample(folder: Path, *thresholds: str) -> tuple[InMemoryHistory, PlanRecord]:
    """A checked-in run, and its plan with these thresholds."""
    plan = read_plan(folder)
    plan["thresholds"] = list(thresholds)
    return recorded(folder / "history"), plan


def _ended(
    history: InMemoryHistory, moment: int, rows: pa.Table, incomplete: tuple[int, ...]
) -> InMemoryHistory:
    cut = _told(
        history,
        (rows,) if rows.num_rows else (),
        events=tuple(event for event in history.events if event["t"] <= moment),
        load=tuple(line for line in history.load if line["t"] <= moment),
    )
    return replace(cut, incomplete=incomplete)


def _told(history: InMemoryHistory, tables: tuple[pa.Table, ...], **more: Any) -> InMemoryHistory:
    tables = tuple(table for table in tables if table.num_rows)
    groups = tuple((number, 1) for number in range(len(tables)))
    rows = sum(table.num_rows for table in tables)
    return replace(history, tables=tables, groups=groups, rows=rows, **more)


def _open_processes(table: pa.Table, moment: int) -> tuple[int, ...]:
    """The processes whose record had not ended: an audit begins when the load has ended."""
    audit = table["phase"].to_numpy() >= Phase.AUDIT
    call, ret = table["call"].to_numpy(), table["ret"].to_numpy()
    loading = bool((ret[~audit] > moment).any())
    auditing = bool((call[audit] <= moment).any() and (ret[audit] > moment).any())
    return (_LOAD,) * loading + (_AUDIT,) * auditing


def _without_the_last_to_end(table: pa.Table) -> pa.Table:
    ret = table["ret"].to_numpy()
    return table.filter(pa.array(np.arange(len(ret)) != int(np.argmax(ret))))


def _left_open(table: pa.Table, rows: np.ndarray[Any, Any], moment: int) -> pa.Table:
    """The same table; `rows` have no answer: a read gave nothing, a write may have been done."""
    reads = table["kind"].to_numpy() == Kind.READ
    outcome = np.where(reads, Outcome.FAILED, Outcome.UNKNOWN)
    changes = {
        "ret": moment, "outcome": outcome, "read_wid": NOTHING, "ver": NO_VERSION,
        "server_session": NOT_SHOWN, "status": 0,
    }  # fmt: skip
    columns = {name: table[name] for name in table.column_names}
    for name, value in changes.items():
        kind = table.schema.field(name).type
        columns[name] = pa.array(np.where(rows, value, table[name].to_numpy()), kind)
    for name in ("items", "item_logicals"):
        lists = zip(rows, table[name].to_pylist(), strict=True)
        kind = table.schema.field(name).type
        columns[name] = pa.array([None if cut else each for cut, each in lists], kind)
    return pa.table(columns, schema=table.schema)
