"""Write-behind without durability: the acknowledgement comes before the write is stored."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict, deque

from reference_app.bugs.base import Bug, ObjectKey
from reference_app.model.model import Credentials, Outcome, ShopError, Versioned, Write
from reference_app.shop.service import ShopService

logger = logging.getLogger(__name__)
Delayed = tuple[float, Credentials, Write]
"""When a write is to be stored (the event loop's time), for whom, and the write."""


class AcknowledgeBeforeStoring(Bug):
    """Stores later by a timer; reading the object in this process stores what is waiting.

    The lock keeps the versions that it makes up free of gaps while the timer stores.
    """

    name = "acknowledge-before-storing"
    description = (
        "a write is answered first and stored later; whatever is in between dies with the process"
    )
    seen_in = (
        "MongoDB before 2012 (write concern 0 by default); write-back caches without a battery"
    )
    found_as = ("lost", "stale")
    default_number = 1000
    number_means = "milliseconds between answer and storing"

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._waiting: defaultdict[ObjectKey, deque[Delayed]] = defaultdict(deque)
        self._locks: defaultdict[ObjectKey, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        key = (write.user, write.object)
        async with self._locks[key]:
            ahead = len(self._waiting[key])
            outcome = await self.fake_acknowledgement(credentials, write, ahead)
            due_s = asyncio.get_running_loop().time() + self.number / 1000
            self._waiting[key].append((due_s, credentials, write))
        self.log_injection("answered", write.wid)
        task = asyncio.create_task(self._store_later(key, due_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return outcome

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        await self._store((credentials.user, name), math.inf)
        return await self.inner.read(credentials, name)

    async def _store_later(self, key: ObjectKey, due_s: float) -> None:
        await asyncio.sleep(due_s - asyncio.get_running_loop().time())
        try:
            await self._store(key, due_s)
        except ShopError as error:
            logger.warning("an acknowledged write is lost: %s", error)

    async def _store(self, key: ObjectKey, until_s: float) -> None:
        waiting = self._waiting[key]
        async with self._locks[key]:
            while waiting and waiting[0][0] <= until_s:
                _, credentials, write = waiting.popleft()
                self.log_injection("storing", write.wid)
                await self.inner.write(credentials, write)
                self.log_injection("stored", write.wid)
