"""Takes deliveries, applies what may be applied, deletes what is applied, and holds the rest.

Knows records and deliveries; knows no SDK and no signal. A delivery is deleted only after the
transaction with its effect was committed. What is held back is tried again in short steps until
it is applied or the queue gives it out anew, to this worker or another one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from itertools import groupby

import asyncpg

from reference_app.aws.queue_reader import Delivery
from reference_app.model.model import ShopError
from reference_app.model.ordering import Queued
from reference_app.model.wait_limit import Patience
from reference_app.postgres.objects import Records, Round
from reference_app.rate_limited_log import Complaints

logger = logging.getLogger(__name__)
LOOK_AGAIN_S = 0.02
REST_AFTER_ERROR_S = 0.1
ROUND = 500
HELD = 2000
"""The most that is held back in memory; what is more comes again from the queue."""
FULL = 200
"""New deliveries beyond which receiving pauses."""
DELETES_AT_ONCE = 8


class Applier:
    """The one place of a worker where state changes; `run` is its loop."""

    def __init__(self, records: Records, visibility_s: float) -> None:
        self._records = records
        self._patience = Patience(visibility_s)
        self._complaints = Complaints()
        self._stopping = False
        self._new: dict[str, Delivery] = {}
        self._held: dict[str, Delivery] = {}
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._deleting: set[asyncio.Task[None]] = set()
        self._delete_slots = asyncio.Semaphore(DELETES_AT_ONCE)

    async def room(self) -> None:
        """Wait until it makes sense to receive more."""
        await self._room.wait()

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """Take charge of deliveries. One that is held already is replaced: its receipt is newer."""
        for one in deliveries:
            name = one.queued.name
            self._held.pop(name, None)
            self._new[name] = one
        if len(self._new) >= FULL:
            self._room.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Apply until `stop` is called; then one last round, and the deletions under way.

        Not to be cancelled: a cancelled COMMIT may be visible before it is safe.
        """
        while not self._stopping:
            await self._something_to_do()
            await self.round()
        await self.round()
        await asyncio.gather(*self._deleting, return_exceptions=True)

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._stopping = True
        self._arrived.set()

    async def round(self) -> None:
        """Try everything new and held once."""
        self._forget_expired()
        batch = self._batch()
        if not batch:
            self._make_room()
            return
        try:
            outcome = await self._applied([one.queued for one in batch.values()])
        except ShopError as error:
            self._complaints.warn("database", f"{len(batch)} writes wait: {error}")
            self._patience.forget()
            self._new = batch | self._new  # and no room is made: receiving pauses
            await asyncio.sleep(REST_AFTER_ERROR_S)
            return
        done = {one.name for one in outcome.done}
        held = {one.name for one in outcome.held}
        self._patience.done(done)
        self._patience.see(held, time.monotonic())
        self._delete([batch[name] for name in done])
        for one in (*outcome.held, *outcome.skipped):
            if len(self._held) < HELD:
                self._held[one.name] = batch[one.name]
        self._make_room()

    async def _something_to_do(self) -> None:
        if self._new:
            return
        try:
            async with asyncio.timeout(LOOK_AGAIN_S if self._held else None):
                await self._arrived.wait()
        except TimeoutError:
            pass

    def _forget_expired(self) -> None:
        now_s = time.monotonic()
        for held in (self._held, self._new):
            for name in [name for name, one in held.items() if one.expires_s <= now_s]:
                del held[name]

    def _batch(self) -> dict[str, Delivery]:
        """New deliveries and the held ones, oldest first, taken out of this object's charge."""
        waiting = self._held | self._new
        names = list(waiting)[:ROUND] if len(self._held) < ROUND else list(waiting)
        batch = {name: waiting[name] for name in names}
        for name in names:
            self._held.pop(name, None)
            self._new.pop(name, None)
        if not self._new:
            self._arrived.clear()
        return batch

    def _make_room(self) -> None:
        if len(self._new) < FULL:
            self._room.set()

    async def _applied(self, queued: Sequence[Queued]) -> Round:
        """One transaction; halved when the database refuses its content, to find the culprit."""
        try:
            return await self._records.apply_in_order(queued, self._patience.overdue())
        except asyncpg.PostgresError as error:
            if len(queued) == 1:
                logger.error("write %s cannot be applied: %s", queued[0].write.wid, error)
                return Round([], [], [])
        middle = len(queued) // 2
        first, second = await self._applied(queued[:middle]), await self._applied(queued[middle:])
        return Round(
            first.done + second.done, first.held + second.held, first.skipped + second.skipped
        )

    def _delete(self, done: list[Delivery]) -> None:
        done.sort(key=lambda one: id(one.inbox))
        for _, group in groupby(done, key=lambda one: id(one.inbox)):
            deliveries = list(group)
            for start in range(0, len(deliveries), 10):
                task = asyncio.create_task(self._deleted(deliveries[start : start + 10]))
                self._deleting.add(task)
                task.add_done_callback(self._deleting.discard)

    async def _deleted(self, deliveries: list[Delivery]) -> None:
        async with self._delete_slots:
            await deliveries[0].inbox.delete(deliveries)
