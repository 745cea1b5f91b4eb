"""Objects as the database's read replicas know them, which may be late or gone.

Knows that a replica is never needed: who gets no answer asks the primary.
"""

from __future__ import annotations

import asyncpg

from reference_app.model.model import ShopError, Versioned
from reference_app.outages import CircuitBreaker, RateLimitedLog, describe
from reference_app.postgres.objects import ObjectTable
from reference_app.postgres.pool import PostgresPool

TIMEOUT_S = 0.5
PAUSE_S = 1.0
"""Replicas that take longer are not worth asking, and are left alone for a while."""


class ReplicaTable:
    """Reads of versioned objects behind the reader endpoint `url`."""

    def __init__(self, url: str, connections: int) -> None:
        self._pool = PostgresPool(url, connections, TIMEOUT_S, TIMEOUT_S, primary=False)
        self._objects = ObjectTable(self._pool)
        self._breaker, self._log = CircuitBreaker(PAUSE_S), RateLimitedLog()

    async def start(self) -> None:
        """Be ready to connect; nobody needs to be there."""
        await self._pool.open()

    async def stop(self) -> None:
        """Close all connections."""
        await self._pool.stop()

    async def read(self, user: str, name: str) -> Versioned | None:
        """One object of one user, perhaps of the past; None: no replica has answered."""
        if self._breaker.is_open():
            return None
        try:
            return await self._objects.read(user, name)
        except (ShopError, asyncpg.PostgresError) as error:  # also: a conflict with recovery
            self._breaker.trip()
            self._log.warn(type(error).__name__, f"doing without replicas: {describe(error)}")
            return None

    async def health(self) -> str:
        """`ok`, or what is wrong."""
        return await self._objects.health()
