"""Whole drills in a few lines: phases, faults, load and users, for tests of the verdict."""

from __future__ import annotations

from typing import Any

from statedrill.check import judge
from statedrill.check.verdict.record import Verdict
from statedrill.history.events import Event
from statedrill.plan.record import PlanRecord
from statedrill.vocabulary import Kind, Outcome, Phase
from tests.check.history_builder import MS, PREFERENCES, SESSION, START, HistoryBuilder
from tests.support.plans import plain_plan

BASELINE, FAULT, RECOVERY, SETTLE, AUDIT, END = 0, 10_000, 20_000, 30_000, 31_000, 32_000
MARKS = {"baseline": BASELINE, "fault": FAULT, "recovery": RECOVERY, "settle": SETTLE,
         "audit": AUDIT, "end": END}  # fmt: skip


def events(domain: str | None = "instance", **more: Any) -> list[Event]:
    """The drill's events; `proved`, `drained` and `also` (more events) can be chosen."""
    found: list[Event] = [
        {"t": START + at * MS, "event": "phase", "phase": name} for name, at in MARKS.items()
    ]
    drained = more.get("drained", True)
    found.append({"t": START + AUDIT * MS - 1, "event": "settled", "drained": drained})
    if domain:
        found += [
            {"t": START + FAULT * MS, "event": "fault-begin", "fault": "f1", "domain": domain,
             "name": "terminate_instances", "targets": ["i-00000001"]},
            {"t": START + FAULT * MS + 1, "event": "fault-proof", "fault": "f1",
             "proved": more.get("proved", True), "proof": "it is gone"},
            {"t": START + RECOVERY * MS, "event": "fault-end", "fault": "f1", "how": "healed"},
        ]  # fmt: skip
    found += more.get("also", [])
    return sorted(found, key=lambda event: int(event["t"]))


def load(rate: float = 10.0, **more: Any) -> list[Event]:
    """One line a second of one load process."""
    line = {"worker": 0, "planned_rate": rate, "lag_ms_max": 2.0, "cpu_pct": 20.0, "dropped": 0}
    return [{"t": START + (second * 1000 + 500) * MS, **line, **more} for second in range(30)]


def plan(domain: str | None = "instance", **promise: Any) -> PlanRecord:
    """A plan for a failure of `domain`; the keywords are the pattern's promise."""
    return plain_plan({
        "pattern": {"name": "sample", "promise": promise},
        "experiment": {"name": "sample", "domain": domain, "actions": ["terminate_instances"]},
        "load": {"planned_rate": 10.0},
        "seed": 7,
    })  # fmt: skip


def phase_at(at: float) -> Phase:
    """The phase of a moment in milliseconds."""
    begun = [name for name, begin in MARKS.items() if begin <= at and name != "end"]
    return Phase[begun[-1].upper()]


def users(sessions: int = 10, every_ms: int = 1000) -> HistoryBuilder:
    """Sessions that sign in, write and read their preferences once a second each, and are audited
    in the end: everything is kept.
    """
    builder = HistoryBuilder()
    for session in range(1, sessions + 1):
        offset = (session - 1) * every_ms // sessions
        builder.phase = Phase.BASELINE
        builder.write(offset, SESSION, 1, session=session, ver=1, server_session=2)
        ver = 0
        for number, at in enumerate(range(offset + every_ms, SETTLE, every_ms)):
            builder.phase = phase_at(at)
            if number % 2 == 0:
                ver += 1
                builder.write(at, PREFERENCES, ver + 1, session=session, ver=ver, server_session=2)
            else:
                builder.read(at, PREFERENCES, ver + 1, session=session, ver=ver, server_session=2)
        builder.phase = Phase.AUDIT
        at = AUDIT + offset // 4
        builder.read(at, PREFERENCES, ver + 1, session=session, ver=ver, server_session=2)
    return builder


def fail(builder: HistoryBuilder, begin: float, end: float, sessions: int = 10**9) -> int:
    """Let the operations of the first sessions called in [begin, end) fail; returns how many."""
    count = 0
    for row in builder.rows:
        called = (row["call"] - START) / MS
        if begin <= called < end and row["session"] <= sessions:
            row["outcome"] = Outcome.FAILED if row["kind"] == Kind.READ else Outcome.UNKNOWN
            row["server_session"], row["status"] = 0, 502
            count += 1
    return count


def forget(builder: HistoryBuilder, sessions: int) -> None:
    """The audit finds nothing of the first sessions."""
    for row in builder.rows:
        if row["phase"] == Phase.AUDIT and row["session"] <= sessions:
            row["read_wid"], row["ver"] = 0, 0


def verdict(builder: HistoryBuilder, made: PlanRecord | None = None, **more: Any) -> Verdict:
    """The verdict on a drill."""
    made = plan() if made is None else made
    domain = made["experiment"]["domain"]
    lines = more.pop("load", load())
    history = builder.history(more.pop("events", events(domain)), lines, **more)
    return judge(history, made)
