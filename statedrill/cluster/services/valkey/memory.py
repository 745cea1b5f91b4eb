"""A Valkey whose memory is full: a limit just above what it holds, and ballast that fills the rest.

Knows Valkey's commands; knows no node and no application.
"""

from __future__ import annotations

from typing import NamedTuple

from redis import Redis

# What may be evicted is what expires, the least recently used first: the default of ElastiCache
# (https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html).
_POLICY = "volatile-lru"
_ROOM_BYTES = 1024 * 1024  # the buffers of connections count, too
_PREFIX = "statedrill:ballast:"
_BALLAST = "x" * 4096
_TTL_S = 3600
_BATCH, _MOST_BATCHES = 10, 2000


class MemoryLimit(NamedTuple):
    """How much a server may hold, in bytes (0: no limit), and what it evicts then."""

    maxmemory: str
    policy: str


class Evicted(NamedTuple):
    """Keys that were there before the memory was full, those of them that went, and the limit."""

    keys: int
    gone: int
    limit_bytes: int


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


def fill(session: Redis) -> Evicted:
    """Limit a server to what it holds, and write until as many keys were evicted as can expire.

    What it evicts is some of the ballast, too, so what was there before is looked for by name.

    Raises:
        RedisError: it does not answer.
    """
    expiring = int(session.info("keyspace").get("db0", {}).get("expires", 0))
    known = list(session.scan_iter(count=1000))
    used, before = int(session.info("memory")["used_memory"]), _evicted(session)
    limit = used + _ROOM_BYTES
    set_memory_limit(session, MemoryLimit(str(limit), _POLICY))
    for batch in range(_MOST_BATCHES):
        with session.pipeline(transaction=False) as pipeline:
            for n in range(_BATCH):
                pipeline.set(f"{_PREFIX}{batch}:{n}", _BALLAST, ex=_TTL_S)
            pipeline.execute()
        if _evicted(session) - before > expiring:
            break
    gone = len(known) - (int(session.exists(*known)) if known else 0)
    return Evicted(len(known), gone, limit)


def remove_ballast(session: Redis) -> None:
    """Remove what `fill` wrote; idempotent.

    Raises:
        RedisError: it does not answer.
    """
    for key in session.scan_iter(f"{_PREFIX}*", count=1000):
        session.unlink(key)


def _evicted(session: Redis) -> int:
    return int(session.info("stats")["evicted_keys"])
