"""The holder of a lock does not notice that its lock has expired."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from reference_app.bugs.base import Bug, ObjectKey
from reference_app.model.model import ORDERS, Credentials, Outcome, Receipt, Write, apply_write
from reference_app.shop.service import ShopService


class StoreUnderExpiredLock(Bug):
    """Reads an object, changes it here and stores the whole of it, under a lock that expires.

    A process that was frozen meanwhile still believes in its lock when it thaws. It should look at
    the clock before it stores, or give the store a number that only grows (a fencing token).
    """

    name = "store-under-expired-lock"
    description = (
        "each write stores the whole object as it was when its lock was taken, even if the process "
        "was frozen meanwhile, the lock expired, and others have written since"
    )
    seen_in = "HBase before fencing, after long garbage collections; Redis locks without fencing"
    found_as = ("lost", "monotonic-reads", "read-your-writes", "stale")
    default_number = 100
    number_means = "milliseconds of work under the lock"

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        # A user sends one request after the other: elsewhere, nobody waits for the lock.
        self._locks: defaultdict[ObjectKey, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        if write.object == ORDERS or self.store.queues_writes:
            return await self.inner.write(credentials, write)
        async with self._locks[write.user, write.object]:
            before = await self.inner.read(credentials, write.object)
            await asyncio.sleep(self.number / 1000)
            value = apply_write(write, before).value or b""
            whole = Write(write.user, write.object, "set", write.wid, value)
            outcome = await self.inner.write(credentials, whole)
        if isinstance(outcome, Receipt) and outcome.ver > before.ver + 1:
            self.log_injection(
                "stored-over", write.user, write.object, before.ver, outcome.ver, write.wid
            )
        return outcome
