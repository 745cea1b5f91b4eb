"""What to read next, from what was read; kept in a look-aside cache when there is one.

The key holds user, version and write id of the reading history, so an entry can be missing but
never stale (a history that was lost and started again counts its versions from 1). A cache that
is down costs a moment once a second and fails no request.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import orjson

from reference_app.model.model import ShopError, Versioned
from reference_app.outages import CircuitBreaker

T = TypeVar("T")

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


class LookAsideCache(Protocol):
    """A cache that may forget whatever it is given. Both may raise a ShopError."""

    async def get_cached(self, user: str, key: str) -> bytes | None:
        """What was put there; None when it is not there any more."""

    async def put_cached(self, user: str, key: str, value: bytes, life_s: int) -> None:
        """Keep `value` for `life_s` at most."""

    async def stop(self) -> None:
        """Close the connections."""


class Recommender:
    """Recommendations with a look-aside cache (`cache` None: without)."""

    def __init__(
        self, cache: LookAsideCache | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cache = cache
        self._breaker = CircuitBreaker(CACHE_PAUSE_S, clock)

    async def articles(self, user: str, history: Versioned) -> bytes:
        """JSON array of recommended articles."""
        key = f"recommendations:{user}:{history.ver}:{history.wid}"
        cache = self._cache
        if cache is None:
            return orjson.dumps(recommend(history))
        if cached := await self._call(lambda: cache.get_cached(user, key)):
            return cached
        computed = orjson.dumps(recommend(history))
        await self._call(lambda: cache.put_cached(user, key, computed, KEEP_S))
        return computed

    async def stop(self) -> None:
        """Close the connections to the cache."""
        if self._cache:
            await self._cache.stop()

    async def _call(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """The reply; None while the cache does not answer."""
        if self._breaker.is_open():
            return None
        try:
            return await ask()
        except ShopError:
            self._breaker.trip()
            return None
