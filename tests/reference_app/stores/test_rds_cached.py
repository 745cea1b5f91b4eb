"""State in PostgreSQL, read through a cache that replicas fill: whom a lagging replica misleads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from reference_app.model.model import NEVER_WRITTEN, Credentials, NotSignedIn, Versioned, Write
from reference_app.postgres.pool import PostgresPool
from reference_app.postgres.replicas import ReplicaTable
from reference_app.postgres.schema import prepare
from reference_app.stores.rds_cached import (
    CONSISTENCIES,
    RdsCachedStore,
    remember_version,
    seen_version,
)
from reference_app.valkey.object_cache import ObjectCache
from reference_app.valkey.pool import ValkeyPool
from tests.support.services import Postgres, Valkey, fresh_address

BOTH = tuple(CONSISTENCIES)


class Lagging(ReplicaTable):
    """A replica that shows nothing of what was written while `lags`."""

    def __init__(self, url: str) -> None:
        super().__init__(url, 4)
        self.lags = False
        self.asked = 0

    async def read(self, user: str, name: str) -> Versioned | None:
        self.asked += 1
        return NEVER_WRITTEN if self.lags else await super().read(user, name)


class Played:
    """One user of one store."""

    def __init__(self, store: RdsCachedStore, replica: Lagging, credentials: Credentials) -> None:
        self.store, self.replica, self.credentials = store, replica, credentials
        self._writes = 0

    async def put(self, value: bytes) -> None:
        self._writes += 1
        write = Write(self.credentials.user, "draft", "set", f"w{self._writes}", value)
        await self.store.write(self.credentials, write)
        self._keep()

    async def get(self) -> Versioned:
        found = await self.store.read(self.credentials, "draft")
        self._keep()
        return found

    async def cached(self) -> Versioned | None:
        return await self.store.cache.get(self.credentials.user, "draft")

    async def put_into_cache(self, one: Versioned) -> None:
        await self.store.cache.put(self.credentials.user, "draft", one)

    def _keep(self) -> None:
        """As a browser does with the cookies of an answer."""
        cookies = {**self.credentials.cookies, **self.credentials.keep}
        self.credentials.cookies = {name: value for name, value in cookies.items() if value}
        self.credentials.keep = {}


Game = Callable[[Played], Awaitable[None]]


def play(kind: str, postgres_url: str, cache_url: str, game: Game) -> None:
    async def whole() -> None:
        database = PostgresPool(postgres_url, 4, 1, 5)
        replica = Lagging(postgres_url)
        cache = ObjectCache(ValkeyPool(cache_url, 1, 1), ttl_s=60)
        store = CONSISTENCIES[kind](database, replica, cache, 60)
        try:
            await database.start(prepare)
            await store.start()
            user = f"u-{kind}-{id(game)}"
            credentials, _ = await store.sign_in(Credentials.new(user), "sign-in")
            await game(Played(store, replica, credentials))
        finally:
            await store.stop()
            await database.stop()

    asyncio.run(whole())


@pytest.mark.cluster
def test_a_lagging_replica_fills_a_naive_cache_with_the_past_for_as_long_as_an_entry_lives(
    postgres: Postgres, valkey: Valkey
) -> None:
    async def game(user: Played) -> None:
        user.replica.lags = True
        await user.put(b"1")
        assert await user.get() == NEVER_WRITTEN
        user.replica.lags = False
        assert await user.get() == NEVER_WRITTEN
        await user.put(b"2")
        assert await user.get() == Versioned(2, "w2", b"2")

    play("naive", postgres.url, valkey.url, game)


@pytest.mark.cluster
def test_versions_show_a_session_what_it_wrote_whatever_cache_and_replica_know(
    postgres: Postgres, valkey: Valkey
) -> None:
    async def game(user: Played) -> None:
        user.replica.lags = True
        await user.put(b"1")
        assert await user.get() == await user.cached() == Versioned(1, "w1", b"1")
        assert user.replica.asked == 0
        await user.store.cache.delete(user.credentials.user, "draft")
        assert await user.get() == Versioned(1, "w1", b"1")
        assert user.replica.asked == 1
        await user.put(b"2")
        await user.put_into_cache(Versioned(1, "w1", b"1"))  # as a cache after its failover
        assert await user.get() == await user.cached() == Versioned(2, "w2", b"2")

    play("versioned", postgres.url, valkey.url, game)


@pytest.mark.cluster
def test_versions_show_nobody_less_than_they_have_read(postgres: Postgres, valkey: Valkey) -> None:
    async def game(user: Played) -> None:
        await user.put(b"1")
        user.credentials.cookies = {}  # another browser of the user
        assert (await user.get()).ver == 1
        user.replica.lags = True
        await user.store.cache.delete(user.credentials.user, "draft")
        assert (await user.get()).ver == 1

    play("versioned", postgres.url, valkey.url, game)


@pytest.mark.cluster
def test_what_the_primary_has_lost_is_not_hidden(postgres: Postgres, valkey: Valkey) -> None:
    async def game(user: Played) -> None:
        await user.put(b"1")
        user.credentials.cookies["seen-draft-9"] = user.credentials.user
        assert await user.get() == Versioned(1, "w1", b"1")

    play("versioned", postgres.url, valkey.url, game)


@pytest.mark.cluster
def test_nothing_older_replaces_an_entry_with_a_version(postgres: Postgres, valkey: Valkey) -> None:
    async def game(user: Played) -> None:
        cache, name = user.store.cache, user.credentials.user
        await cache.put_if_newer(name, "draft", Versioned(9, "w9", b"a b\n\x00"))
        await cache.put_if_newer(name, "draft", Versioned(8, "w8", b"8"))
        assert await user.cached() == Versioned(9, "w9", b"a b\n\x00")
        await cache.put_if_newer(name, "draft", Versioned(10, "w10", b""))
        assert await user.cached() == Versioned(10, "w10", b"")

    play("versioned", postgres.url, valkey.url, game)


@pytest.mark.cluster
@pytest.mark.parametrize("kind", BOTH)
def test_who_has_signed_out_is_refused_although_the_cache_knows_the_answer(
    kind: str, postgres: Postgres, valkey: Valkey
) -> None:
    async def game(user: Played) -> None:
        await user.put(b"1")
        await user.get()
        assert await user.cached() is not None
        await user.store.sign_out(user.credentials, "sign-out")
        with pytest.raises(NotSignedIn):
            await user.get()

    play(kind, postgres.url, valkey.url, game)


@pytest.mark.cluster
@pytest.mark.parametrize("kind", BOTH)
def test_without_cache_and_replicas_the_primary_answers(kind: str, postgres: Postgres) -> None:
    async def game(user: Played) -> None:
        user.store.replicas = ReplicaTable(f"postgresql://shop@{fresh_address()}:5432/shop", 4)
        await user.store.start()
        await user.put(b"1")
        assert await user.get() == Versioned(1, "w1", b"1")
        assert (await user.store.health())["replicas"] != "ok"
        await user.put(b"2")
        assert await user.get() == Versioned(2, "w2", b"2")

    play(kind, postgres.url, f"redis://{fresh_address()}:6379/0", game)


def test_a_version_has_a_cookie_of_its_own_which_replaces_those_that_the_client_brought() -> None:
    credentials = Credentials("t", "u1", {"seen-draft-3": "u1", "seen-cart-9": "u1"})
    assert seen_version(credentials, "draft") == 3
    remember_version(credentials, "draft", 3)
    assert credentials.keep == {}
    remember_version(credentials, "draft", 5)
    assert credentials.keep == {"seen-draft-3": "", "seen-draft-5": "u1"}


def test_versions_that_another_user_of_the_browser_has_seen_do_not_count() -> None:
    credentials = Credentials("t", "u2", {"seen-draft-7": "u1", "seen-draft-x": "u2"})
    assert seen_version(credentials, "draft") == 0
    remember_version(credentials, "draft", 1)
    assert credentials.keep == {"seen-draft-7": "", "seen-draft-x": "", "seen-draft-1": "u2"}
