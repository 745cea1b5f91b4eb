from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

import asyncpg

from reference_app.aws.queue_reader import Delivery, Inbox
from reference_app.model.model import Unavailable, Write
from reference_app.model.ordering import Queued, ready
from reference_app.postgres.objects import Records, Round
from reference_app.worker.applier import FULL, Applier

LONG_S = 3600.0


class FakeInbox:
    """Remembers what was deleted, and what was applied at that moment."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    async def delete(self, deliveries: Sequence[Delivery]) -> None:
        self.deleted += [one.queued.write.wid for one in deliveries]


class FakeRecords:
    """Applies in memory; `trouble` may raise before anything is applied."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self.trouble: Callable[[Sequence[Queued]], None] = lambda queued: None

    async def apply_in_order(self, queued: Sequence[Queued], overdue: frozenset[str]) -> Round:
        await asyncio.sleep(0)
        self.trouble(queued)
        new = [one for one in queued if one.name not in self.applied]
        self.applied += [one.name for one in ready(new, self.applied, overdue)]
        done = [one for one in queued if one.name in self.applied]
        return Round(done, [one for one in queued if one not in done], [])


class Bench:
    """An applier with nothing real around it."""

    def __init__(self) -> None:
        self.records, self.inbox = FakeRecords(), FakeInbox()
        self.applier = Applier(cast(Records, self.records), visibility_s=30)

    def delivery(self, wid: str, *after: str, expires_s: float = LONG_S) -> Delivery:
        queued = Queued(Write("u", "history", "append", wid, b"{}"), after)
        return Delivery(
            queued, f"receipt-{wid}", time.monotonic() + expires_s, cast(Inbox, self.inbox)
        )

    def play(self, game: Coroutine[Any, Any, None]) -> None:
        async def whole() -> None:
            running = asyncio.create_task(self.applier.run())
            async with asyncio.timeout(20):
                await game
                self.applier.stop()
                await running

        asyncio.run(whole())

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.001)


def test_a_write_is_deleted_once_it_is_applied_and_a_held_one_is_not() -> None:
    bench = Bench()

    async def game() -> None:
        bench.applier.take([bench.delivery("2", "1"), bench.delivery("9")])
        await bench.until(lambda: bench.inbox.deleted == ["9"])
        bench.applier.take([bench.delivery("1")])
        await bench.until(lambda: sorted(bench.inbox.deleted) == ["1", "2", "9"])
        assert bench.records.applied == ["u~9", "u~1", "u~2"]

    bench.play(game())


def test_after_an_outage_with_a_full_house_receiving_goes_on() -> None:
    bench = Bench()
    away = True

    def trouble(queued: Sequence[Queued]) -> None:
        if away:
            raise Unavailable("away")

    bench.records.trouble = trouble

    async def game() -> None:
        nonlocal away
        bench.applier.take([bench.delivery(str(number)) for number in range(FULL + 20)])
        waiting = asyncio.create_task(bench.applier.room())
        await asyncio.sleep(0.15)
        assert not waiting.done()
        assert bench.inbox.deleted == []
        away = False
        await waiting
        await bench.until(lambda: len(bench.inbox.deleted) == FULL + 20)

    bench.play(game())


def test_what_is_given_out_anew_by_the_queue_is_forgotten_here() -> None:
    bench = Bench()

    async def game() -> None:
        bench.applier.take([bench.delivery("2", "1", expires_s=0.05)])
        await asyncio.sleep(0.15)
        bench.applier.take([bench.delivery("1")])
        await bench.until(lambda: bench.inbox.deleted == ["1"])
        assert bench.records.applied == ["u~1"]

    bench.play(game())


def test_one_write_the_database_refuses_does_not_keep_the_others() -> None:
    bench = Bench()

    def trouble(queued: Sequence[Queued]) -> None:
        if any(one.write.wid == "5" for one in queued):
            raise asyncpg.DataError("no")

    bench.records.trouble = trouble

    async def game() -> None:
        bench.applier.take([bench.delivery(str(number)) for number in range(10)])
        await bench.until(lambda: len(bench.inbox.deleted) == 9)
        assert "5" not in bench.inbox.deleted

    bench.play(game())


def test_stopping_applies_what_has_arrived() -> None:
    bench = Bench()

    async def game() -> None:
        bench.applier.take([bench.delivery("1")])

    bench.play(game())
    assert bench.inbox.deleted == ["1"]
