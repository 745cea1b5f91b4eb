"""Reads come from a replica that lags behind."""

from __future__ import annotations

from collections import defaultdict

from reference_app.bugs.base import Bug, ObjectKey
from reference_app.model.model import Credentials, Versioned
from reference_app.shop.service import ShopService


class StaleReplica(Bug):
    """Keeps a copy of each object and refreshes it only at every nth read."""

    name = "stale-replica"
    description = "reads come from a copy of the object that is refreshed only at every nth read"
    seen_in = "reads sent to an asynchronous MySQL or PostgreSQL replica that lags"
    found_as = ("stale", "read-your-writes", "monotonic-reads")
    default_number = 4

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._copies: dict[ObjectKey, Versioned] = {}
        self._reads: defaultdict[ObjectKey, int] = defaultdict(int)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        key = (credentials.user, name)
        await self.inner.session(credentials)
        if self._reads[key] % self.number == 0:
            self._copies[key] = await self.inner.read(credentials, name)
        self._reads[key] += 1
        copy, now = self._copies[key], await self.inner.read(credentials, name)
        if copy != now:
            self.log_injection("showed-old", *key, copy.ver, now.ver)
        return copy
