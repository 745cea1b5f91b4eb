from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from reference_app.memcached.hashing import rendezvous
from reference_app.memcached.pool import MemcachedPool, MemcachedSettings
from reference_app.model.model import NEVER_WRITTEN, Credentials, Receipt, Write, apply_write
from reference_app.stores.memcached import MOST_REMEMBERED, MemcachedStore, UserState
from statedrill.cluster.services.memcached.client import connected
from tests.reference_app.client import Direct, User, running
from tests.reference_app.model.test_model import STEPS, steps_as_writes
from tests.support.services import Memcached
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


def pool_of(url: str) -> MemcachedPool:
    host = url.removeprefix("memcached://").partition(":")[0]
    return MemcachedPool(MemcachedSettings(host, 11211, 60, "rendezvous", 0), 1.0)


@settings(deadline=None, max_examples=40)
@given(steps=STEPS)
def test_it_does_what_the_model_does(memcached_url: str, steps: list[tuple[str, str]]) -> None:
    async def play() -> None:
        store = MemcachedStore(pool_of(memcached_url), ttl_s=60)
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


def test_writes_at_the_same_time_are_all_kept(memcached_url: str) -> None:
    async def play() -> None:
        store = MemcachedStore(pool_of(memcached_url), ttl_s=60)
        await store.start()
        credentials, _ = await store.sign_in(Credentials.new("parallel"), "sign-in")
        writes = [Write("parallel", "draft", "set", f"w{n}", b"1") for n in range(8)]
        receipts = await asyncio.gather(*(store.write(credentials, each) for each in writes))
        assert sorted(each.ver for each in receipts) == list(range(1, 9))
        assert (await store.read(credentials, "draft")).ver == 8
        await store.stop()

    asyncio.run(play())


def test_no_more_write_ids_are_remembered_than_may_come_again() -> None:
    state = UserState()
    for n in range(MOST_REMEMBERED + 5):
        state.apply(Write("u", "draft", "set", f"w{n}", b"1"))
    assert len(state.applied) == MOST_REMEMBERED
    assert state.apply(Write("u", "draft", "set", f"w{n}", b"1")) == MOST_REMEMBERED + 5
    assert UserState.from_bytes(state.to_bytes()) == state


@pytest.fixture(scope="module")
def memcached_url(memcached: Memcached) -> str:
    return memcached.url


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memcached]:
    cluster = Memcached(tmp_path_factory.mktemp("own-memcached"))
    cluster.start()
    yield cluster
    cluster.kill()


def app_of(own: Memcached, **environ: str) -> dict[str, str]:
    quick = {"CACHE_DISCOVERY_S": "0.2", "COMMAND_TIMEOUT_S": "0.3"}
    return {"SESSION_STORE": "memcached", "CACHE_URL": own.url, **quick, **environ}


@pytest.fixture
def app(own: Memcached) -> Iterator[Direct]:
    with running(**app_of(own)) as one:
        yield one


def users_of(app: Direct, own: Memcached) -> list[User]:
    """A signed-in user of each node."""
    names = [each.name for each in own.nodes]
    found: dict[str, User] = {}
    while len(found) < len(names):
        user = User(app.send)
        found.setdefault(rendezvous(user.name, names), user)
    for user in found.values():
        user.sign_in()
        assert user.put("/draft", "first").status == 200
    return [found[name] for name in names]


def test_a_lost_node_is_the_loss_of_its_users_alone(app: Direct, own: Memcached) -> None:
    first, second, third = users_of(app, own)
    own.nodes[1].kill()
    assert second.call("GET", "/draft").status == 503
    assert second.put("/draft", 2).json()["executed"] is False
    assert [each.get("/draft")["value"] for each in (first, third)] == ["first", "first"]
    own.replace(1)
    # Its name is at another address: that is known when the nodes are asked for again.
    wait_until(lambda: second.call("GET", "/draft").status == 401)
    second.sign_in()
    assert second.get("/draft")["ver"] == 0
    assert [each.get("/draft")["value"] for each in (first, third)] == ["first", "first"]


def test_a_node_that_hung_has_what_it_had_when_nobody_left_it_out(
    app: Direct, own: Memcached
) -> None:
    _, user, _ = users_of(app, own)
    child = own.nodes[1].child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    assert user.call("GET", "/draft").status == 503
    assert user.put("/draft", "second").status == 503
    os.kill(child.pid, signal.SIGCONT)
    wait_until(lambda: user.call("GET", "/draft").status == 200)
    assert user.get("/draft")["value"] == "first"
    assert user.put("/draft", "third").json()["ver"] == 2


def test_a_client_that_leaves_it_out_loses_its_users_and_brings_old_values_back(
    own: Memcached,
) -> None:
    with running(**app_of(own, CACHE_EJECT_S="2")) as app:
        first, user, _ = users_of(app, own)
        child = own.nodes[1].child
        assert child is not None
        os.kill(child.pid, signal.SIGSTOP)
        wait_until(lambda: user.call("GET", "/draft").status == 401)
        old = dict(user.cookies)
        user.sign_in()
        assert user.put("/draft", "second").json()["ver"] == 1
        assert user.get("/draft")["value"] == "second"
        os.kill(child.pid, signal.SIGCONT)
        wait_until(lambda: user.call("GET", "/draft").status == 401, "the node is asked again")
        user.cookies = old
        assert user.get("/draft")["value"] == "first"
        assert first.get("/draft")["value"] == "first"


def test_state_that_was_evicted_takes_its_session_with_it(app: Direct, own: Memcached) -> None:
    _, user, _ = users_of(app, own)
    with connected((own.nodes[1].host, 11211)) as session:
        assert session.ask(f"delete state:{user.name}") == ["DELETED"]
    assert user.call("GET", "/cart").status == 401
    assert user.put("/draft", 2).status == 401
    user.sign_in()
    assert user.get("/draft")["ver"] == 0


def test_a_session_ends_when_it_is_not_used_and_not_before(own: Memcached) -> None:
    with running(**app_of(own, SESSION_TTL_S="1")) as app:
        user = User(app.send)
        user.sign_in()
        for _ in range(4):
            app.settle(0.7)
            assert user.call("GET", "/draft").status == 200
        app.settle(2.5)  # the server's clock ticks once a second
        assert user.put("/draft", 1).status == 401


def test_recommendations_do_not_need_the_cache(own: Memcached) -> None:
    with running(SESSION_STORE="memory", CACHE_URL=own.url) as app:
        user = User(app.send)
        user.sign_in()
        user.append("x")
        assert user.get("/recommendations")["articles"] == ["more-like-x"]
        assert user.get("/recommendations")["articles"] == ["more-like-x"]
        own.kill()
        user.append("y")
        assert user.get("/recommendations")["articles"] == ["more-like-y", "more-like-x"]


def test_health_names_a_node_that_failed(app: Direct, own: Memcached) -> None:
    _, user, _ = users_of(app, own)
    assert user.get("/health?deep=1")["dependencies"]["cache"] == "ok"
    own.nodes[1].kill()
    user.call("GET", "/draft")
    assert user.get("/health?deep=1")["dependencies"]["cache"] == "cache.1 failed last"
