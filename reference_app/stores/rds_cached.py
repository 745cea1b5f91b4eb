"""Sessions and state in PostgreSQL; objects are read from a cache, which read replicas fill.

`SESSION_STORE=rds_cached` needs DATABASE_URL, DATABASE_READER_URL (the replicas) and CACHE_URL. Own
options: CACHE_CONSISTENCY, how the cache is kept, and CACHE_TTL_S, 60: the life of an entry.

- `naive`: cache-aside. A write deletes the entry, a read that misses fills it from a replica. What
  a replica does not know yet is put into the cache and stays until the entry expires.
- `versioned`: a write puts what it made into the cache, nothing replaces a later version, and the
  client keeps in a cookie which version it has seen; what is older goes to the primary, which has
  the last word: where it has lost what was seen, what is left is shown.

Sessions are asked of the primary at every request: one that has signed out is refused at once,
whatever a cache or a replica still knows. Knows cookies and versions; knows no SQL.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from reference_app.environment import Environment
from reference_app.model.model import Credentials, Receipt, ShopError, Versioned, Write
from reference_app.postgres.objects import ObjectTable
from reference_app.postgres.pool import PostgresPool
from reference_app.postgres.replicas import ReplicaTable
from reference_app.stores.base import Resources, StoreKind, session_ttl_s
from reference_app.stores.rds import RdsStore
from reference_app.valkey.object_cache import ObjectCache
from reference_app.valkey.pool import ValkeyPool

CACHE_TIMEOUT_S = 0.25
"""A cache that takes longer is not worth asking."""


class RdsCachedStore(RdsStore):
    """What both ways of keeping the cache share: `ttl_s` is that of sessions."""

    def __init__(
        self, database: PostgresPool, replicas: ReplicaTable, cache: ObjectCache, ttl_s: float
    ) -> None:
        super().__init__(database, ttl_s)
        self.primary, self.replicas, self.cache = ObjectTable(database), replicas, cache

    @override
    async def start(self) -> None:
        await self.replicas.start()

    @override
    async def stop(self) -> None:
        await self.cache.stop()
        await self.replicas.stop()

    @override
    async def read(self, credentials: Credentials, name: str) -> Versioned:
        """One object of the user's state, from the cache if it can be."""
        await self.session(credentials)
        return await self.read_cached(credentials, name)

    @override
    async def health(self) -> Mapping[str, str]:
        """The state of what is asked before the database."""
        return {"cache": await self.cache.health(), "replicas": await self.replicas.health()}

    @abstractmethod
    async def read_cached(self, credentials: Credentials, name: str) -> Versioned:
        """One object of a user who is signed in."""


class NaiveStore(RdsCachedStore):
    """Cache-aside, filled from replicas, invalidated by deletion."""

    @override
    async def read_cached(self, credentials: Credentials, name: str) -> Versioned:
        user = credentials.user
        found = await self.cache.get(user, name)
        if found is None:
            found = await self.replicas.read(user, name) or await self.primary.read(user, name)
            await self.cache.put(user, name, found)
        return found

    @override
    async def write(self, credentials: Credentials, write: Write) -> Receipt:
        """Change one object of the user's state, and forget the entry."""
        try:
            return await super().write(credentials, write)
        finally:
            await self.cache.delete(write.user, write.object)


class VersionedStore(RdsCachedStore):
    """Written through after the commit; neither cache nor replica undercut what a session saw."""

    @override
    async def read_cached(self, credentials: Credentials, name: str) -> Versioned:
        user, seen = credentials.user, seen_version(credentials, name)
        found = await self.cache.get(user, name)
        if found is None or found.ver < seen:
            found = await self.replicas.read(user, name)
            if found is None or found.ver < seen:
                found = await self.primary.read(user, name)
            await self.cache.put_if_newer(user, name, found)
        remember_version(credentials, name, found.ver)
        return found

    @override
    async def write(self, credentials: Credentials, write: Write) -> Receipt:
        """Change one object of the user's state, and put what it is then into the cache."""
        receipt = await super().write(credentials, write)
        remember_version(credentials, write.object, receipt.ver)
        try:
            made = await self.primary.read(write.user, write.object)
        except ShopError:  # it is written all the same, and the cookie knows it
            return receipt
        await self.cache.put_if_newer(write.user, write.object, made)
        return receipt


def seen_version(credentials: Credentials, name: str) -> int:
    """The latest version of an object that this client has written or read, by its cookies."""
    return max((ver for ver, _ in _seen(credentials, name)), default=0)


def remember_version(credentials: Credentials, name: str, ver: int) -> None:
    """Have the client keep that it has seen this version.

    Each version has a cookie of its own, so that of two answers at once none undoes the other.
    """
    if ver > seen_version(credentials, name):
        replaced = [cookie for cookie in credentials.cookies if cookie.startswith(_prefix(name))]
        credentials.keep.update(dict.fromkeys(replaced, ""))
        credentials.keep[f"{_prefix(name)}{ver}"] = credentials.user


def _seen(credentials: Credentials, name: str) -> list[tuple[int, str]]:
    """Versions and their cookies; those of another user of the same browser do not count."""
    return [
        (int(number), cookie)
        for cookie, user in credentials.cookies.items()
        if cookie.startswith(_prefix(name)) and user == credentials.user
        if (number := cookie.removeprefix(_prefix(name))).isdecimal()
    ]


def _prefix(name: str) -> str:
    return f"seen-{name}-"


CONSISTENCIES: dict[str, type[RdsCachedStore]] = {"naive": NaiveStore, "versioned": VersionedStore}


@dataclass(frozen=True, slots=True)
class RdsCachedSettings:
    """The store's own settings."""

    reader_url: str
    cache_url: str
    consistency: str
    cache_ttl_s: float
    ttl_s: float

    @classmethod
    def read(cls, environment: Environment) -> RdsCachedSettings:
        """From DATABASE_READER_URL, CACHE_URL, CACHE_CONSISTENCY, CACHE_TTL_S and SESSION_TTL_S."""
        return cls(
            reader_url=environment.url("DATABASE_READER_URL", "postgresql", "postgres"),
            cache_url=environment.url("CACHE_URL", "redis", "rediss"),
            consistency=environment.one_of("CACHE_CONSISTENCY", CONSISTENCIES, "versioned"),
            cache_ttl_s=environment.seconds("CACHE_TTL_S", 60),
            ttl_s=session_ttl_s(environment),
        )


def _connect(settings: RdsCachedSettings, resources: Resources) -> RdsCachedStore:
    assert resources.database is not None  # DATABASE_URL is needed
    replicas = ReplicaTable(settings.reader_url, resources.database.size)
    pool = ValkeyPool(settings.cache_url, resources.connect_timeout_s, CACHE_TIMEOUT_S)
    cache = ObjectCache(pool, settings.cache_ttl_s)
    kind = CONSISTENCIES[settings.consistency]
    return kind(resources.database, replicas, cache, settings.ttl_s)


RDS_CACHED = StoreKind(
    "rds_cached",
    ("DATABASE_URL", "DATABASE_READER_URL", "CACHE_URL", "CACHE_CONSISTENCY"),
    RdsCachedSettings.read,
    _connect,
)
