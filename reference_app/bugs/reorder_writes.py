"""Two acknowledged writes are applied in the wrong order."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from reference_app.bugs.base import Bug, ObjectKey
from reference_app.model.model import Credentials, Outcome, Versioned, Write
from reference_app.shop.service import ShopService

LONGEST_HOLD_S = 0.5


class ReorderWrites(Bug):
    """Holds every nth write of an object until the next one is applied, for a moment, or until a
    read: nothing is lost, only the order is wrong.
    """

    name = "reorder-writes"
    description = (
        "every nth write of an object is applied only after the next one, though both are answered"
    )
    seen_in = "parallel consumers of an unordered queue; last-write-wins with skewed clocks"
    found_as = ("monotonic-writes", "order-conflict")
    default_number = 3

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._writes: defaultdict[ObjectKey, int] = defaultdict(int)
        self._held: dict[ObjectKey, tuple[Credentials, Write]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        key = (write.user, write.object)
        self._writes[key] += 1
        if self._writes[key] % self.number == 0 and key not in self._held:
            outcome = await self.fake_acknowledgement(credentials, write)
            self._held[key] = (credentials, write)
            task = asyncio.create_task(self._release_later(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return outcome
        outcome = await self.inner.write(credentials, write)
        if await self._release(key):
            self.log_injection("overtook", write.wid)
        return outcome

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        await self._release((credentials.user, name))
        return await self.inner.read(credentials, name)

    async def _release_later(self, key: ObjectKey) -> None:
        await asyncio.sleep(LONGEST_HOLD_S)
        await self._release(key)

    async def _release(self, key: ObjectKey) -> bool:
        held = self._held.pop(key, None)
        if held:
            await self.inner.write(*held)
        return held is not None
