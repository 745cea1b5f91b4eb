"""A store that loses state when a failure strikes that nobody promised to survive.

A correct store otherwise, seen through bad weather (`simulator`): whatever breaks is a consequence
of the loss. Some sessions keep their state, as those of the instances that live on.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pyarrow as pa

from statedrill.history.events import Event
from statedrill.history.operation import FOREVER
from statedrill.plan.record import PlanRecord
from statedrill.vocabulary import GUARANTEES, Phase
from tests.check.history_builder import MS, START, InMemoryHistory, in_memory_history
from tests.check.simulator import Session, Thing, Weather, to_table
from tests.support.plans import plain_plan

_AUDIT_AT = START + 4_000 * MS
_LOSING = 0.7  # the share of sessions whose state is lost


class _LosingSession(Session):
    """A session whose objects, accepted writes and sign-ins are gone from `lost_at` on."""

    lost_at = FOREVER

    def take_effect(self, now: int, attempt: Any) -> None:
        self._lose(now)
        super().take_effect(now, attempt)

    def work(self, now: int) -> None:
        self._lose(now)
        super().work(now)

    def audit(self, now: int) -> None:
        self._lose(_AUDIT_AT)
        super().audit(max(now, _AUDIT_AT))

    def _lose(self, now: int) -> None:
        if now >= self.lost_at:
            self.lost_at = FOREVER
            self.things = {thing: Thing() for thing in self.things}
            self.applied, self.keys, self.alive, self.queue = {}, {}, set(), []


def lossy_drill(sessions: int, operations: int, seed: int, weather: Weather) -> InMemoryHistory:
    """A drill of `sessions` users with about `operations` calls each, whose cache was flushed.

    The load balancer repeats no request: one that it repeats after the loss is done twice.
    """
    dice = random.Random(seed)
    begin = START + (300 + dice.randrange(700)) * MS
    lost_at = begin + dice.randrange(50) * MS
    end = lost_at + dice.randrange(1, 200) * MS
    rows: list[tuple[Any, ...]] = []
    for number in range(1, sessions + 1):
        start = START + dice.randrange(1000) * MS
        session = _LosingSession(number, replace(weather, repeated=0.0), dice, start)
        session.lost_at = lost_at if dice.random() < _LOSING else FOREVER
        session.play(operations, start)
        rows += session.rows
    table = to_table(rows)
    return in_memory_history((table,), _events(table, begin, end))


def lossy_plan(weather: Weather) -> PlanRecord:
    """The plan of such a drill: all guarantees that the store can keep, and no survival."""
    kept = [name for name in GUARANTEES if not (weather.queued and name == "read_your_writes")]
    return plain_plan({
        "pattern": {"name": "lossy", "promise": {"guarantees": kept}},
        "experiment": {"name": "flush", "domain": "cache"},
        "load": {"planned_rate": None},
    })  # fmt: skip


def _events(table: pa.Table, begin: int, end: int) -> list[Event]:
    audits = table.filter(pa.array(table["phase"].to_numpy() >= Phase.AUDIT))["call"].to_numpy()
    audit, last = int(audits.min()) - 1, int(table["ret"].to_numpy().max()) + 1
    fault = {"fault": "f1", "wall": 0.0}
    marks = {"baseline": START, "fault": begin, "recovery": end, "audit": audit, "end": last}
    found: list[Any] = [
        {"t": at, "wall": 0.0, "event": "phase", "phase": phase} for phase, at in marks.items()
    ]
    found += [
        fault | {"t": begin, "event": "fault-begin", "domain": "cache", "name": "flush",
                 "targets": ["cache"]},
        fault | {"t": begin + 1, "event": "fault-proof", "proved": True, "proof": "it is empty"},
        fault | {"t": end, "event": "fault-end", "how": "by itself"},
        {"t": audit, "wall": 0.0, "event": "settled", "drained": True, "queue_depth": 0},
    ]  # fmt: skip
    return sorted(found, key=lambda event: event["t"])
