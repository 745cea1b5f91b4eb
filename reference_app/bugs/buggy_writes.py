"""The bugs of bugs.py that go wrong when something is written, each a wrapper around a shop.

Counters decide, not chance, so the same requests in the same order meet the same bug; counters
are per process.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict, deque
from dataclasses import replace

from reference_app.aws.object_storage import Blob
from reference_app.bugs.base import ObjectKey, Outcome, Wrapper
from reference_app.model.model import (
    ORDERS,
    Accepted,
    Caller,
    ShopError,
    Stamp,
    Unavailable,
    Versioned,
    Write,
)
from reference_app.shop.service import Shop

logger = logging.getLogger(__name__)
HELD_BACK_S = 0.5
Delayed = tuple[float, Caller, Write]
"""When a write is to be stored (the event loop's time), for whom, and the write."""


class AcknowledgeBeforeStoring(Wrapper):
    """Stores `n` milliseconds later; reading the object here makes it store what is waiting.

    The lock keeps the versions that it makes up free of gaps while the timer stores.
    """

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner, n)
        self._waiting: defaultdict[ObjectKey, deque[Delayed]] = defaultdict(deque)
        self._locks: defaultdict[ObjectKey, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Answer now, store later."""
        key = (write.user, write.object)
        async with self._locks[key]:
            outcome = await self.pretend(caller, write, ahead=len(self._waiting[key]))
            due_s = asyncio.get_running_loop().time() + self.n / 1000
            self._waiting[key].append((due_s, caller, write))
        self.confess("answered", write.wid)
        task = asyncio.create_task(self._later(key, due_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return outcome

    async def read(self, caller: Caller, name: str) -> Versioned:
        """Store what waits for this object, then read it."""
        await self._store((caller.user, name), math.inf)
        return await self.inner.read(caller, name)

    async def _later(self, key: ObjectKey, due_s: float) -> None:
        await asyncio.sleep(due_s - asyncio.get_running_loop().time())
        try:
            await self._store(key, due_s)
        except ShopError as error:
            logger.warning("an acknowledged write is lost: %s", error)

    async def _store(self, key: ObjectKey, until_s: float) -> None:
        waiting = self._waiting[key]
        async with self._locks[key]:
            while waiting and waiting[0][0] <= until_s:
                _, caller, write = waiting.popleft()
                self.confess("storing", write.wid)
                await self.inner.write(caller, write)
                self.confess("stored", write.wid)


class DropEveryNthWrite(Wrapper):
    """Acknowledges every nth write and makes none of it."""

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write, or only say so."""
        if self.every_nth():
            self.confess("dropped", write.wid)
            return await self.pretend(caller, write)
        return await self.inner.write(caller, write)


class RetryAppliedTwice(Wrapper):
    """Applies every nth write that adds something twice, under one write id."""

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write once or twice."""
        outcome = await self.inner.write(caller, write)
        if write.operation in ("append", "order") and self.every_nth():
            await self.inner.write(_after(caller, outcome), _again(write))
            self.confess("applied-again", write.wid)
        return outcome


class ReorderWrites(Wrapper):
    """Holds every nth write of an object back until the next one is applied, or for a moment, or
    until somebody looks: nothing is lost, only the order is wrong.
    """

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner, n)
        self._counts: defaultdict[ObjectKey, int] = defaultdict(int)
        self._held: dict[ObjectKey, tuple[Caller, Write]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write at once, or after the next."""
        key = (write.user, write.object)
        self._counts[key] += 1
        if self._counts[key] % self.n == 0 and key not in self._held:
            outcome = await self.pretend(caller, write)
            self._held[key] = (caller, write)
            task = asyncio.create_task(self._later(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return outcome
        outcome = await self.inner.write(caller, write)
        if await self._release(key):
            self.confess("overtook", write.wid)
        return outcome

    async def read(self, caller: Caller, name: str) -> Versioned:
        """Write what is held back of this object, then read it."""
        await self._release((caller.user, name))
        return await self.inner.read(caller, name)

    async def _later(self, key: ObjectKey) -> None:
        await asyncio.sleep(HELD_BACK_S)
        await self._release(key)

    async def _release(self, key: ObjectKey) -> bool:
        held = self._held.pop(key, None)
        if held:
            await self.inner.write(*held)
        return held is not None


class OrderTwiceOnRedelivery(Wrapper):
    """Applies every nth order once more."""

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write; an order perhaps twice."""
        outcome = await self.inner.write(caller, write)
        if write.object == ORDERS and self.every_nth():
            await self.inner.write(_after(caller, outcome), _again(write))
            self.confess("applied-again", write.wid)
        return outcome


class UploadRecordWithoutObject(Wrapper):
    """Makes only the record of every nth upload."""

    async def put_upload(self, caller: Caller, name: str, blob: Blob) -> Stamp:
        """Store and record, or only record."""
        if not self.every_nth():
            return await self.inner.put_upload(caller, name, blob)
        await self.inner.session(caller)
        self.confess("only-recorded", blob.wid)
        return await self.inner.record_upload(caller, name, blob)


class ErrorAfterStoring(Wrapper):
    """Makes every nth write and then says that it did not."""

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write, and tell the truth or not."""
        outcome = await self.inner.write(caller, write)
        if self.every_nth():
            self.confess("stored-and-refused", write.wid)
            raise Unavailable("please try again later")
        return outcome


class WriteIntoAnotherUsersState(Wrapper):
    """Lets every nth write land in the state of the user who wrote before."""

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner, n)
        self._before = ""

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write into one's own state, or another's."""
        before, self._before = self._before, write.user
        self._seen += 1
        if self._seen >= self.n and before not in ("", write.user):
            self._seen = 0
            self.confess("misplaced", write.wid, before)
            write = replace(write, user=before)
        return await self.inner.write(caller, write)


def _after(caller: Caller, outcome: Outcome) -> Caller:
    """The caller with the cookies of an acknowledgement: what it queues now comes later."""
    cookies = outcome.cookies if isinstance(outcome, Accepted) else {}
    return replace(caller, cookies={**caller.cookies, **cookies})


def _again(write: Write) -> Write:
    """The same write as one that nothing recognises: not its id, not its idempotency key."""
    operation = "append" if write.operation == "order" else write.operation
    return replace(write, operation=operation, apply_id=f"{write.wid}~again")
