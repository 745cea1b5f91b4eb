"""A session is evicted from its store without an error."""

from __future__ import annotations

from collections import defaultdict

from reference_app.bugs.base import Bug
from reference_app.model.model import Credentials, Outcome, Session, Versioned, Write
from reference_app.shop.service import ShopService


class SilentSessionLoss(Bug):
    """Ends a server session at its nth request."""

    name = "silent-session-loss"
    description = "the server session is thrown away at its nth request, without an error"
    seen_in = "session keys with a TTL evicted first by volatile-lru when a cache is full"
    found_as = ("session-lost",)
    default_number = 8

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._requests: defaultdict[str, int] = defaultdict(int)

    async def session(self, credentials: Credentials) -> Session:
        await self._count(credentials)
        return await self.inner.session(credentials)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        await self._count(credentials)
        return await self.inner.read(credentials, name)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        await self._count(credentials)
        return await self.inner.write(credentials, write)

    async def _count(self, credentials: Credentials) -> None:
        session_id = credentials.session_id
        self._requests[session_id] += 1
        if self._requests[session_id] == self.number:
            self.log_injection("threw-away", credentials.user, session_id)
            await self.inner.sign_out(credentials, f"evicted-{session_id}")
