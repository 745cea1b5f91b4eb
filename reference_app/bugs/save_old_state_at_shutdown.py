"""A drained instance writes its old copies of sessions back."""

from __future__ import annotations

import secrets
from contextlib import suppress

from reference_app.bugs.base import Bug, ObjectKey
from reference_app.model.model import (
    ORDERS,
    Credentials,
    Outcome,
    Receipt,
    ShopError,
    Versioned,
    Write,
)
from reference_app.shop.service import ShopService


class SaveOldStateAtShutdown(Bug):
    """Remembers the objects that it has served, and stores them as a whole when it is stopped."""

    name = "save-old-state-at-shutdown"
    description = (
        "an instance that is drained saves the sessions that it remembers once more as it ends, "
        "over what other instances have stored since"
    )
    seen_in = "session managers that save whole sessions at shutdown (Tomcat's PersistentManager)"
    found_as = ("lost", "monotonic-reads", "read-your-writes", "stale")
    default_number = 1000
    number_means = "objects that a process remembers"

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._process = secrets.token_hex(4)
        self._remembered: dict[ObjectKey, tuple[Credentials, Versioned]] = {}

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        one = await self.inner.read(credentials, name)
        self._remember(credentials, name, one)
        return one

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        outcome = await self.inner.write(credentials, write)
        written = await self.inner.read(credentials, write.object)
        self._remember(credentials, write.object, written)
        return outcome

    async def stop(self) -> None:
        for (user, name), (credentials, one) in self._remembered.items():
            with suppress(ShopError):  # signed out since, or the store is gone
                await self._save(credentials, user, name, one)
        await self.inner.stop()

    def _remember(self, credentials: Credentials, name: str, one: Versioned) -> None:
        if name == ORDERS or one.wid is None:
            return
        self._remembered.pop((credentials.user, name), None)
        self._remembered[credentials.user, name] = (credentials, one)
        if len(self._remembered) > self.number:
            del self._remembered[next(iter(self._remembered))]

    async def _save(self, credentials: Credentials, user: str, name: str, one: Versioned) -> None:
        """Store `one` whatever there is now; the log tells where that was newer."""
        if one == await self.inner.read(credentials, name):
            return
        again = f"{one.wid}~saved-by-{self._process}"
        old = Write(user, name, "set", one.wid or "", one.value or b"", apply_id=again)
        outcome = await self.inner.write(credentials, old)
        if isinstance(outcome, Receipt):
            self.log_injection("stored-over", user, name, one.ver, outcome.ver)
