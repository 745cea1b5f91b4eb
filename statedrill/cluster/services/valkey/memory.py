"""A Valkey whose memory is full: a limit just above what it holds, and ballast that fills the rest.

Knows Valkey's commands; knows no node and no application.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import OutOfMemoryError

_ROOM_BYTES = 1024 * 1024  # the buffers of connections count, too
_PREFIX = "statedrill:ballast:"
_BALLAST = "x" * 4096
_TTL_S = 3600
_BATCH, _MOST_BATCHES = 10, 2000


class MemoryLimit(NamedTuple):
    """How much a server may hold, in bytes (0: no limit), and what it evicts then."""

    maxmemory: str
    policy: str


class Filled(NamedTuple):
    """How many keys that are no ballast a server evicted, the limit that it has now, and how many
    writes it had refused by the time it was seen to be full.
    """

    keys: int
    limit_bytes: int
    refused: int


def memory_limit(session: Redis) -> MemoryLimit:
    """The limit of a server.

    Raises:
        RedisError: it does not answer.
    """
    found = session.config_get("maxmemory", "maxmemory-policy")
    return MemoryLimit(str(found["maxmemory"]), str(found["maxmemory-policy"]))


def set_memory_limit(session: Redis, limit: MemoryLimit) -> None:
    """Limit a server.

    Raises:
        RedisError: it does not answer.
    """
    session.config_set("maxmemory", limit.maxmemory, "maxmemory-policy", limit.policy)


def fill(session: Redis) -> Filled:
    """Limit a server to what it holds, and write until as many keys were evicted as can expire.

    What it evicts is some of the ballast, too, which nothing else removes: the rest of what it
    counts as evicted was there before, or was written meanwhile. A server that evicts nothing
    refuses to be written instead.

    Raises:
        RedisError: it does not answer.
    """
    expiring = int(session.info("keyspace").get("db0", {}).get("expires", 0))
    used, before = int(session.info("memory")["used_memory"]), _evicted(session.info("stats"))
    limit = used + _ROOM_BYTES
    set_memory_limit(session, memory_limit(session)._replace(maxmemory=str(limit)))
    ballast: list[str] = []
    refused = 0
    for batch in range(_MOST_BATCHES):
        names = [f"{_PREFIX}{batch}:{n}" for n in range(_BATCH)]
        with session.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.set(name, _BALLAST, ex=_TTL_S)
            replies = pipeline.execute(raise_on_error=False)
        refused = sum(isinstance(each, OutOfMemoryError) for each in replies)
        ballast += [name for name, reply in zip(names, replies, strict=True) if reply is True]
        if refused or _evicted(session.info("stats")) - before > expiring:
            break
    if refused:  # also when a buffer was freed, which counts as well
        set_memory_limit(session, memory_limit(session)._replace(maxmemory=str(used)))
    with session.pipeline(transaction=True) as together:  # nothing is evicted between the two
        together.info("stats")
        together.exists(*ballast)
        stats, left = together.execute()
    return Filled(_evicted(stats) - before - (len(ballast) - left), limit, refused)


def remove_ballast(session: Redis) -> None:
    """Remove what `fill` wrote; idempotent.

    Raises:
        RedisError: it does not answer.
    """
    for key in session.scan_iter(f"{_PREFIX}*", count=1000):
        session.unlink(key)


def _evicted(stats: Mapping[str, Any]) -> int:
    return int(stats["evicted_keys"])
