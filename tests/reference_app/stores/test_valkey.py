from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from reference_app.model.model import (
    NEVER_WRITTEN,
    Credentials,
    OutcomeUnknown,
    Receipt,
    Unavailable,
    Write,
    apply_write,
)
from reference_app.stores.valkey import ValkeyStore
from reference_app.valkey.pool import ValkeyPool
from tests.reference_app.client import Direct, User, running
from tests.reference_app.model.test_model import STEPS, steps_as_writes
from tests.support.services import Valkey
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@settings(deadline=None, max_examples=60)
@given(steps=STEPS)
def test_the_script_does_what_the_model_does(valkey_url: str, steps: list[tuple[str, str]]) -> None:
    async def play() -> None:
        pool = ValkeyPool(valkey_url, 1, 2)
        store = ValkeyStore(pool, ttl_s=60)
        await store.start()
        credentials, _ = await store.sign_in(
            Credentials.new(Credentials.new("u").session_id), "sign-in"
        )
        expected = NEVER_WRITTEN
        for step in steps_as_writes(steps):
            write = Write(credentials.user, step.object, step.operation, step.wid, step.data)
            expected = apply_write(write, expected)
            receipt = Receipt(expected.ver, write.wid)
            assert await store.write(credentials, write) == receipt
            assert await store.write(credentials, write) == receipt
            assert await store.read(credentials, "cart") == expected
        await store.stop()

    asyncio.run(play())


@pytest.fixture(scope="module")
def valkey_url(valkey: Valkey) -> str:
    return valkey.url


@pytest.fixture
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    service = Valkey(tmp_path_factory.mktemp("own-valkey"))
    service.start()
    yield service
    service.kill()


@pytest.fixture
def app(own_valkey: Valkey) -> Iterator[Direct]:
    with running(SESSION_STORE="valkey", CACHE_URL=own_valkey.url, COMMAND_TIMEOUT_S="0.5") as one:
        yield one


def test_a_dead_store_is_told_truly_and_a_new_one_is_used_at_once(
    app: Direct, own_valkey: Valkey
) -> None:
    user = User(app.send)
    user.sign_in()
    user.put("/draft", 1)
    own_valkey.kill()
    refused = user.put("/draft", 2)
    # the connection broke, or was refused the second time: not known, or surely not done
    assert (refused.status, refused.json()["executed"]) in [(500, "unknown"), (503, False)]
    surely = user.put("/draft", 3)
    assert (surely.status, surely.json()["executed"]) == (503, False)
    assert user.call("GET", "/draft").status == 503
    own_valkey.start()
    assert user.call("GET", "/draft").status == 401  # its memory is gone, and with it the session
    user.sign_in()
    assert user.put("/draft", 4).status == 200


def test_connections_left_behind_by_a_failover_fail_nobody(app: Direct, own_valkey: Valkey) -> None:
    user = User(app.send)
    user.sign_in()
    user.put("/draft", 1)
    own_valkey.kill()
    own_valkey.start()
    user.sign_in()  # on a pooled connection that is dead: tried again on a new one
    assert user.put("/draft", 2).json()["ver"] == 1


def test_a_store_that_hangs_is_given_up_after_the_time_out(app: Direct, own_valkey: Valkey) -> None:
    import os
    import signal

    user = User(app.send)
    user.sign_in()
    assert own_valkey.child is not None
    os.kill(own_valkey.child.pid, signal.SIGSTOP)
    try:
        answer = user.put("/draft", 1)
        assert (answer.status, answer.json()["executed"]) == (500, "unknown")
    finally:
        os.kill(own_valkey.child.pid, signal.SIGCONT)
    wait_until(lambda: user.call("GET", "/draft").status == 200, "it answers again")


def test_a_server_that_forgot_the_scripts_gets_them_again(app: Direct, own_valkey: Valkey) -> None:
    user = User(app.send)
    user.sign_in()

    async def flush() -> None:
        pool = ValkeyPool(own_valkey.url, 1, 2)
        await pool.call(("SCRIPT", "FLUSH"))
        await pool.stop()

    asyncio.run(flush())
    assert user.put("/draft", 1).status == 200
    assert user.get("/draft")["value"] == 1


def test_a_write_that_no_replica_confirms_is_not_known_to_be_safe(own_valkey: Valkey) -> None:
    async def play() -> None:
        pool = ValkeyPool(own_valkey.url, 1, 2)
        store = ValkeyStore(pool, ttl_s=60, wait_replicas=1, wait_s=0.01)
        await store.start()
        with pytest.raises(OutcomeUnknown, match="too few replicas"):
            await store.sign_in(Credentials.new("u"), "w")
        await store.stop()

    asyncio.run(play())


def test_a_session_ends_when_it_is_not_used(own_valkey: Valkey) -> None:
    with running(SESSION_STORE="valkey", CACHE_URL=own_valkey.url, SESSION_TTL_S="1") as app:
        user = User(app.send)
        user.sign_in()
        assert user.call("GET", "/draft").status == 200
        app.settle(2.2)
        wait_until(lambda: user.put("/draft", 1).status == 401, "the session has ended")


def test_a_retry_is_known_for_longer_than_a_short_session_lives(own_valkey: Valkey) -> None:
    async def play() -> None:
        pool = ValkeyPool(own_valkey.url, 1, 2)
        store = ValkeyStore(pool, ttl_s=1)
        await store.start()
        await store.sign_in(Credentials("token", "ann"), "in")
        (life_s,) = await pool.call(("TTL", "{ann}:applied"))
        assert life_s > 3500
        await store.stop()

    asyncio.run(play())


def test_a_full_memory_refuses_every_change_and_does_nothing_of_it(own_valkey: Valkey) -> None:
    ann = Credentials("token", "ann")

    def write(wid: str) -> Write:
        return Write("ann", "draft", "set", wid, wid.encode())

    async def play() -> None:
        pool = ValkeyPool(own_valkey.url, 1, 2)
        store = ValkeyStore(pool, ttl_s=60)
        await store.start()
        await store.sign_in(ann, "in")
        await store.write(ann, write("w1"))
        await pool.call(("CONFIG", "SET", "maxmemory", 1, "maxmemory-policy", "noeviction"))
        for change in (
            store.write(ann, write("w2")),
            store.sign_out(ann, "out"),
            store.sign_in(Credentials("token", "bob"), "in"),
        ):
            with pytest.raises(Unavailable, match="refuses"):
                await change
        assert await store.write(ann, write("w1")) == Receipt(1, "w1")
        assert (await store.read(ann, "draft")).value == b"w1"
        await pool.call(("CONFIG", "SET", "maxmemory", 0))
        assert await store.write(ann, write("w2")) == Receipt(2, "w2")
        await store.stop()

    asyncio.run(play())


def test_recommendations_do_not_need_the_cache(own_valkey: Valkey) -> None:
    with running(SESSION_STORE="memory", CACHE_URL=own_valkey.url) as app:
        user = User(app.send)
        user.sign_in()
        user.append("x")
        assert user.get("/recommendations")["articles"] == ["more-like-x"]
        own_valkey.kill()
        user.append("y")
        assert user.get("/recommendations")["articles"] == ["more-like-y", "more-like-x"]
