from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

import asyncpg
import pytest

from reference_app.aws.queue_reader import Delivery, SqsReader
from reference_app.model.model import Unavailable, Write
from reference_app.model.ordering import QueuedWrite, ready_to_apply
from reference_app.model.wait_limit import WaitLimit
from reference_app.postgres.objects import BatchOutcome, ObjectTable
from reference_app.worker.applier import MOST_NEW, WriteApplier

LONG_S = 3600.0


class FakeReader:
    """Remembers what was deleted, and what was applied at that moment."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.rejected: list[str] = []

    async def delete(self, deliveries: Sequence[Delivery]) -> None:
        self.deleted += [one.queued.write.wid for one in deliveries]

    async def reject(self, deliveries: Sequence[Delivery]) -> None:
        self.rejected += [one.queued.write.wid for one in deliveries]


class FakeTable:
    """Applies in memory; `trouble` may raise before anything is applied."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self.trouble: Callable[[Sequence[QueuedWrite]], None] = lambda queued: None

    async def apply_in_order(
        self, queued: Sequence[QueuedWrite], overdue: frozenset[str]
    ) -> BatchOutcome:
        await asyncio.sleep(0)
        self.trouble(queued)
        new = [one for one in queued if one.name not in self.applied]
        self.applied += [one.name for one in ready_to_apply(new, self.applied, overdue)]
        done = [one for one in queued if one.name in self.applied]
        return BatchOutcome(done, [one for one in queued if one not in done], [])


class Harness:
    """An applier with nothing real around it."""

    def __init__(self, wait_limit: WaitLimit | None = None) -> None:
        self.objects, self.reader = FakeTable(), FakeReader()
        self.applier = WriteApplier(cast(ObjectTable, self.objects), wait_limit or WaitLimit(30))

    def delivery(self, wid: str, *after: str, expires_s: float = LONG_S) -> Delivery:
        queued = QueuedWrite(Write("u", "history", "append", wid, b"{}"), after)
        return Delivery(
            queued, f"receipt-{wid}", time.monotonic() + expires_s, cast(SqsReader, self.reader)
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
    harness = Harness()

    async def game() -> None:
        harness.applier.accept([harness.delivery("2", "1"), harness.delivery("9")])
        await harness.until(lambda: harness.reader.deleted == ["9"])
        harness.applier.accept([harness.delivery("1")])
        await harness.until(lambda: sorted(harness.reader.deleted) == ["1", "2", "9"])
        assert harness.objects.applied == ["u~9", "u~1", "u~2"]

    harness.play(game())


def test_after_an_outage_with_no_capacity_left_receiving_goes_on() -> None:
    harness = Harness()
    away = True

    def trouble(queued: Sequence[QueuedWrite]) -> None:
        if away:
            raise Unavailable("away")

    harness.objects.trouble = trouble

    async def game() -> None:
        nonlocal away
        harness.applier.accept([harness.delivery(str(number)) for number in range(MOST_NEW + 20)])
        waiting = asyncio.create_task(harness.applier.wait_for_capacity())
        await asyncio.sleep(0.15)
        assert not waiting.done()
        assert harness.reader.deleted == []
        away = False
        await waiting
        await harness.until(lambda: len(harness.reader.deleted) == MOST_NEW + 20)

    harness.play(game())


def test_what_the_queue_delivers_again_is_dropped_here() -> None:
    harness = Harness()

    async def game() -> None:
        harness.applier.accept([harness.delivery("2", "1", expires_s=0.05)])
        await asyncio.sleep(0.15)
        harness.applier.accept([harness.delivery("1")])
        await harness.until(lambda: harness.reader.deleted == ["1"])
        assert harness.objects.applied == ["u~1"]

    harness.play(game())


@pytest.mark.parametrize(
    ("error", "rejected"),
    [
        (asyncpg.CharacterNotInRepertoireError, ["5"]),
        (ValueError, []),  # a stored object that is corrupt
        (asyncpg.DiskFullError, []),
    ],
)
def test_one_write_the_database_refuses_does_not_keep_the_others(
    error: type[Exception], rejected: list[str]
) -> None:
    """It is rejected for good only when the fault is in its data."""
    harness = Harness()

    def trouble(queued: Sequence[QueuedWrite]) -> None:
        if any(one.write.wid == "5" for one in queued):
            raise error("no")

    harness.objects.trouble = trouble

    async def game() -> None:
        harness.applier.accept([harness.delivery(str(number)) for number in range(10)])
        await harness.until(lambda: len(harness.reader.deleted) == 9)
        assert "5" not in harness.reader.deleted

    harness.play(game())
    assert harness.reader.rejected == rejected


@pytest.mark.parametrize(
    ("error", "deleted"),
    [(asyncpg.CharacterNotInRepertoireError, ["2", "3"]), (asyncpg.DiskFullError, [])],
)
def test_nobody_waits_for_a_write_that_can_never_be_applied_and_for_another_one_all_do(
    error: type[Exception], deleted: list[str]
) -> None:
    """As in a group of a FIFO queue, where the wait has no limit."""
    harness = Harness(WaitLimit(math.inf))

    def trouble(queued: Sequence[QueuedWrite]) -> None:
        if any(one.write.wid == "1" for one in queued):
            raise error("no")

    harness.objects.trouble = trouble

    async def game() -> None:
        group = [("1",), ("2", "1"), ("3", "2")]
        harness.applier.accept([harness.delivery(*each) for each in group])
        harness.applier.accept([harness.delivery("other")])
        await harness.until(lambda: len(harness.reader.deleted) == 1 + len(deleted))
        await asyncio.sleep(0.1)  # long enough for another try

    harness.play(game())
    assert harness.objects.applied == [f"u~{wid}" for wid in ("other", *deleted)]
    assert sorted(harness.reader.deleted) == sorted(["other", *deleted])


def test_stopping_applies_what_has_arrived() -> None:
    harness = Harness()

    async def game() -> None:
        harness.applier.accept([harness.delivery("1")])

    harness.play(game())
    assert harness.reader.deleted == ["1"]
