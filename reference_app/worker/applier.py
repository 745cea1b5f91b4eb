"""Accepts deliveries, applies what may be applied, deletes what is applied, and holds the rest.

Knows the table of objects and deliveries; knows no SDK and no signal. A delivery is deleted only
after the transaction with its effect was committed. What is held is tried again in short steps
until it is applied or the queue delivers it again, to this worker or another one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

import asyncpg

from reference_app.aws.queue_reader import BATCH, Delivery
from reference_app.model.model import ShopError
from reference_app.model.ordering import QueuedWrite
from reference_app.model.wait_limit import WaitLimit
from reference_app.outages import RateLimitedLog
from reference_app.postgres.objects import BatchOutcome, ObjectTable

logger = logging.getLogger(__name__)
RETRY_HELD_S = 0.02
RETRY_DATABASE_S = 0.1
MOST_APPLIED_AT_ONCE = 500
MOST_HELD = 2000
"""The most that is held in memory; the queue delivers the rest again."""
MOST_NEW = 200
"""New deliveries beyond which receiving pauses."""
ANSWERS_AT_ONCE = 8


class WriteApplier:
    """The only part of a worker that changes state; `run` is its loop."""

    def __init__(self, objects: ObjectTable, wait_limit: WaitLimit) -> None:
        self._objects = objects
        self._wait_limit = wait_limit
        self._warnings = RateLimitedLog()
        self._stopping = False
        self._new: dict[str, Delivery] = {}
        self._held: dict[str, Delivery] = {}
        self._arrived = asyncio.Event()
        self._has_capacity = asyncio.Event()
        self._has_capacity.set()
        self._answering: set[asyncio.Task[None]] = set()
        self._answer_slots = asyncio.Semaphore(ANSWERS_AT_ONCE)

    async def wait_for_capacity(self) -> None:
        """Return when it makes sense to receive more."""
        await self._has_capacity.wait()

    def accept(self, deliveries: Iterable[Delivery]) -> None:
        """Take over deliveries. A held one that arrives again is replaced: its handle is newer."""
        for delivery in deliveries:
            name = delivery.queued.name
            self._held.pop(name, None)
            self._new[name] = delivery
        if len(self._new) >= MOST_NEW:
            self._has_capacity.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Apply until `stop` is called; then one last batch, and the answers to queues in flight.

        Must not be cancelled: a cancelled COMMIT may be visible before it is safe.
        """
        while not self._stopping:
            await self._wait_for_work()
            await self._process_batch()
        await self._process_batch()
        await asyncio.gather(*self._answering, return_exceptions=True)

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping = True
        self._arrived.set()

    async def _wait_for_work(self) -> None:
        if self._new:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(RETRY_HELD_S if self._held else None):
                await self._arrived.wait()

    async def _process_batch(self) -> None:
        """Try everything new and held once."""
        self._drop_expired()
        batch = self._next_batch()
        if not batch:
            self._signal_capacity()
            return
        try:
            outcome = await self._apply([each.queued for each in batch.values()])
        except ShopError as error:
            self._warnings.warn("database", f"{len(batch)} writes wait: {error}")
            self._wait_limit.reset()
            self._new = batch | self._new  # and no capacity is signalled: receiving pauses
            await asyncio.sleep(RETRY_DATABASE_S)
            return
        done = {each.name for each in outcome.done}
        self._wait_limit.applied(done)
        self._wait_limit.observe({each.name for each in outcome.held}, time.monotonic())
        self._answer([batch[name] for name in done])
        self._answer([batch[each.name] for each in outcome.rejected], rejected=True)
        rejected = {each.name for each in outcome.rejected}
        for each in (*outcome.held, *outcome.skipped):
            if len(self._held) < MOST_HELD:
                # What can never be applied is waited for by nobody.
                queued = each.without_predecessors(rejected)
                self._held[each.name] = replace(batch[each.name], queued=queued)
        self._signal_capacity()

    def _drop_expired(self) -> None:
        """What the queue delivers again is not this worker's any more."""
        now_s = time.monotonic()
        for deliveries in (self._held, self._new):
            for name in [name for name, each in deliveries.items() if each.expires_s <= now_s]:
                del deliveries[name]

    def _next_batch(self) -> dict[str, Delivery]:
        """New deliveries and the held ones, oldest first, removed from both."""
        waiting = self._held | self._new
        names = list(waiting)
        if len(self._held) < MOST_APPLIED_AT_ONCE:
            names = names[:MOST_APPLIED_AT_ONCE]
        batch = {name: waiting[name] for name in names}
        for name in names:
            self._held.pop(name, None)
            self._new.pop(name, None)
        if not self._new:
            self._arrived.clear()
        return batch

    def _signal_capacity(self) -> None:
        if len(self._new) < MOST_NEW:
            self._has_capacity.set()

    async def _apply(self, queued: Sequence[QueuedWrite]) -> BatchOutcome:
        """One transaction; halved when it cannot be applied, to find the culprit.

        Poison is what the database refuses for its data. Another error may pass, or is not the
        write's own, as a stored object that cannot be read: the queue delivers the write again.
        """
        try:
            return await self._objects.apply_in_order(queued, self._wait_limit.overdue())
        except (asyncpg.PostgresError, ValueError) as error:
            if len(queued) == 1:
                logger.error("write %s cannot be applied: %s", queued[0].write.wid, error)
                is_poison = isinstance(error, asyncpg.DataError)
                return BatchOutcome(rejected=list(queued) if is_poison else [])
        middle = len(queued) // 2
        return await self._apply(queued[:middle]) + await self._apply(queued[middle:])

    def _answer(self, deliveries: list[Delivery], rejected: bool = False) -> None:
        """Have the queues delete or reject deliveries, ten at a time, without waiting for it."""
        deliveries.sort(key=lambda each: id(each.reader))
        for _, group in groupby(deliveries, key=lambda each: id(each.reader)):
            of_one_queue = list(group)
            for start in range(0, len(of_one_queue), BATCH):
                batch = of_one_queue[start : start + BATCH]
                answering = asyncio.create_task(self._answer_batch(batch, rejected))
                self._answering.add(answering)
                answering.add_done_callback(self._answering.discard)

    async def _answer_batch(self, deliveries: list[Delivery], rejected: bool) -> None:
        reader = deliveries[0].reader
        async with self._answer_slots:
            await (reader.reject(deliveries) if rejected else reader.delete(deliveries))
