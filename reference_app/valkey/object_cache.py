"""Objects of users in a cache that may be missing, empty or wrong: nothing here is ever an error.

Knows keys, their life and one script; knows not where the objects come from. A cache that does not
answer is left alone for a while.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from redis.exceptions import ResponseError

from reference_app.model.model import NEVER_WRITTEN, ShopError, Versioned
from reference_app.outages import CircuitBreaker, RateLimitedLog
from reference_app.valkey.pool import Argument, ValkeyPool

PAUSE_S = 1.0
PUT_IF_NEWER = """
local known = redis.call('GET', KEYS[1])
if known and tonumber(string.match(known, '^%d+')) >= tonumber(string.match(ARGV[1], '^%d+')) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


class ObjectCache:
    """One entry for each object, for `ttl_s` after it was put."""

    def __init__(
        self, pool: ValkeyPool, ttl_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool, self._ttl_s = pool, max(1, math.ceil(ttl_s))
        self._breaker = CircuitBreaker(PAUSE_S, clock)
        self._log = RateLimitedLog()

    async def get(self, user: str, name: str) -> Versioned | None:
        """What the cache holds; None: nothing, or it does not answer."""
        entry = await self._ask("GET", _key(user, name))
        return _decoded(entry) if isinstance(entry, bytes) else None

    async def put(self, user: str, name: str, one: Versioned) -> None:
        """Hold `one`, whatever is there."""
        await self._ask("SET", _key(user, name), _encoded(one), "EX", self._ttl_s)

    async def put_if_newer(self, user: str, name: str, one: Versioned) -> None:
        """Hold `one`, unless the same version is there, or a later one."""
        await self._ask("EVAL", PUT_IF_NEWER, 1, _key(user, name), _encoded(one), self._ttl_s)

    async def delete(self, user: str, name: str) -> None:
        """Hold nothing."""
        await self._ask("DEL", _key(user, name))

    async def health(self) -> str:
        """`ok`, or what is wrong."""
        try:
            await self._pool.call(("PING",))
        except ShopError as error:
            return str(error)
        return "ok"

    async def stop(self) -> None:
        """Close all connections."""
        await self._pool.stop()

    async def _ask(self, *command: Argument) -> object:
        if self._breaker.is_open():
            return None
        try:
            (reply,) = await self._pool.call(command)
        except (ShopError, ResponseError) as error:
            self._breaker.trip()
            self._log.warn(type(error).__name__, f"doing without the cache: {error}")
            return None
        return reply


def _key(user: str, name: str) -> str:
    return f"{{{user}}}:cached:{name}"


def _encoded(one: Versioned) -> bytes:
    return b"%d %s %s" % (one.ver, (one.wid or "").encode(), one.value or b"")


def _decoded(entry: bytes) -> Versioned:
    ver, wid, value = entry.split(b" ", 2)
    return Versioned(int(ver), wid.decode(), value) if int(ver) else NEVER_WRITTEN
