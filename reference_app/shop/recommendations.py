"""What to read next, from what was read; kept in a look-aside cache when there is one.

The key holds user, version and write id of the reading history, so an entry can be missing but
never stale (a history that was lost and started again counts its versions from 1). A cache that
is down costs a moment once a second and fails no request.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import orjson

from reference_app.model.model import ShopError, Versioned
from reference_app.outages import CircuitBreaker
from reference_app.valkey.pool import Command, ValkeyPool

MOST_RECOMMENDED = 5
KEEP_S = 300
CACHE_PAUSE_S = 1.0


def recommend(history: Versioned) -> list[str]:
    """More of what is read most; among equals, of what was read last."""
    articles = [orjson.loads(line)["article"] for line in (history.value or b"").splitlines()]
    times = Counter(articles)
    last = {article: place for place, article in enumerate(articles)}
    ranked = sorted(times, key=lambda article: (times[article], last[article]), reverse=True)
    return [f"more-like-{article}" for article in ranked[:MOST_RECOMMENDED]]


class Recommender:
    """Recommendations with a look-aside cache (`cache` None: without)."""

    def __init__(
        self, cache: ValkeyPool | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cache = cache
        self._breaker = CircuitBreaker(CACHE_PAUSE_S, clock)

    async def articles(self, user: str, history: Versioned) -> bytes:
        """JSON array of recommended articles."""
        key = f"recommendations:{user}:{history.ver}:{history.wid}"
        cached = await self._call(("GET", key))
        if isinstance(cached, bytes):
            return cached
        computed = orjson.dumps(recommend(history))
        await self._call(("SET", key, computed, "EX", KEEP_S))
        return computed

    async def stop(self) -> None:
        """Close the connections to the cache."""
        if self._cache:
            await self._cache.stop()

    async def _call(self, command: Command) -> object:
        """The reply; None without a cache that answers."""
        if self._cache is None or self._breaker.is_open():
            return None
        try:
            return (await self._cache.call(command))[0]
        except ShopError:
            self._breaker.trip()
            return None
