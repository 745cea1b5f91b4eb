"""What to read next, from what was read; kept in a look-aside cache when there is one.

The key holds user, version and write id of the reading history, so an entry can be missing but
never stale (a history that was lost and begun again counts its versions anew). A cache that is
down costs a moment once a second and fails no request.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import orjson

from reference_app.model.model import ShopError, Versioned
from reference_app.valkey.pool import Link

HOW_MANY = 5
KEEP_S = 300
REST_AFTER_ERROR_S = 1.0


def recommend(history: Versioned) -> list[str]:
    """More of what is read most; among equals, of what was read last."""
    articles = [orjson.loads(line)["article"] for line in (history.value or b"").splitlines()]
    times = Counter(articles)
    last = {article: place for place, article in enumerate(articles)}
    ranked = sorted(times, key=lambda article: (times[article], last[article]), reverse=True)
    return [f"more-like-{article}" for article in ranked[:HOW_MANY]]


class Recommender:
    """Recommendations with a look-aside cache (`link` None: without)."""

    def __init__(self, link: Link | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._link = link
        self._clock = clock
        self._rest_until_s = 0.0

    async def articles(self, user: str, history: Versioned) -> bytes:
        """JSON array of recommended articles."""
        key = f"recommendations:{user}:{history.ver}:{history.wid}"
        cached = await self._ask(("GET", key))
        if isinstance(cached, bytes):
            return cached
        fresh = orjson.dumps(recommend(history))
        await self._ask(("SET", key, fresh, "EX", KEEP_S))
        return fresh

    async def stop(self) -> None:
        """Close the connections to the cache."""
        if self._link:
            await self._link.stop()

    async def _ask(self, command: tuple[str | bytes | int, ...]) -> object:
        if self._link is None or self._clock() < self._rest_until_s:
            return None
        try:
            return (await self._link.call(command))[0]
        except ShopError:
            self._rest_until_s = self._clock() + REST_AFTER_ERROR_S
            return None
