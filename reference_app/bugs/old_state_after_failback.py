"""Reads come from an old primary that was taken back into service with its old data."""

from __future__ import annotations

from reference_app.bugs.base import Bug, ObjectKey
from reference_app.model.model import Credentials, Outcome, Versioned, Write
from reference_app.shop.service import ShopService


class OldStateAfterFailback(Bug):
    """From version n on, reads show the last version seen that was at most half of n."""

    name = "old-state-after-failback"
    description = (
        "once an object has n versions, reads come from the side that stopped at half of them"
    )
    seen_in = "the old primary taken back into service with its old data (Redis without fencing)"
    found_as = ("lost", "monotonic-reads", "read-your-writes", "stale")
    default_number = 6

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._old: dict[ObjectKey, Versioned] = {}

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        now = await self.inner.read(credentials, name)
        self._keep_old((credentials.user, name), now)
        old = self._old.get((credentials.user, name))
        if old is None or now.ver < self.number:
            return now
        self.log_injection("showed-old", credentials.user, name, old.ver, now.ver)
        return old

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        outcome = await self.inner.write(credentials, write)
        written = await self.inner.read(credentials, write.object)
        self._keep_old((write.user, write.object), written)
        return outcome

    def _keep_old(self, key: ObjectKey, one: Versioned) -> None:
        if 0 < one.ver <= self.number // 2:
            self._old[key] = one
