"""The HTTP contract of the synchronous stores: in memory, and the same with real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_app.model.model import Credentials, NotSignedIn
from reference_app.stores.memory import MemoryStore
from tests.reference_app.client import Direct, User, running
from tests.support.services import Memcached, Postgres, Valkey

CACHED = ("naive", "versioned")
SERVERS = ("valkey", "memcached", "rds", *CACHED)
ALL = ("memory", "sqlite", *(pytest.param(name, marks=pytest.mark.cluster) for name in SERVERS))


@pytest.fixture(params=ALL)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Direct]:
    environ = {"SESSION_STORE": request.param, "VOLUME": str(tmp_path)}
    if request.param in CACHED:
        environ = {"SESSION_STORE": "rds_cached", "CACHE_CONSISTENCY": request.param}
    if request.param in ("valkey", "memcached", *CACHED):
        engine = "memcached" if request.param == "memcached" else "valkey"
        cache: Valkey | Memcached = request.getfixturevalue(engine)
        environ["CACHE_URL"] = cache.url
    if request.param in ("rds", *CACHED):
        postgres: Postgres = request.getfixturevalue("postgres")
        environ["DATABASE_URL"] = environ["DATABASE_READER_URL"] = postgres.url
    with running(**environ) as one:
        yield one


@pytest.fixture
def user(app: Direct) -> User:
    one = User(app.send)
    one.sign_in()
    return one


def test_sign_in_answers_who_and_which_session(app: Direct) -> None:
    user = User(app.send)
    answer = user.sign_in()
    fields = answer.json()
    assert fields["user"] == user.name
    assert (fields["ver"], fields["wid"]) == (1, user.last_wid)
    assert answer.header("x-session-id") == fields["session"]
    assert fields["session"] not in user.cookies["sid"]
    assert "HttpOnly" in answer.header("set-cookie")
    assert user.get("/session") == fields


def test_signing_in_again_is_a_new_session_of_the_same_user(user: User) -> None:
    user.put("/preferences", {"theme": "dark"})
    first = user.get("/session")
    second = user.sign_in().json()
    assert second["session"] != first["session"]
    assert second["ver"] == 2
    assert user.get("/preferences")["value"] == {"theme": "dark"}


def test_after_sign_out_the_old_cookie_opens_nothing(user: User) -> None:
    answer = user.call("POST", "/sign-out", keep_cookies=False)
    assert answer.status == 200
    assert answer.json() == {"ver": 2, "wid": user.last_wid}
    for method, path in [("GET", "/session"), ("GET", "/cart"), ("PUT", "/draft")]:
        refused = user.call(method, path, {"value": 1})
        assert refused.status == 401
        assert refused.json() == {"error": "not signed in", "executed": False}


@pytest.mark.parametrize("cookie", ["", "x", "x~y", "x~t1-u1", "~t1-u1"])
def test_a_cookie_nobody_gave_opens_nothing(app: Direct, cookie: str) -> None:
    user = User(app.send, cookies={"sid": cookie})
    assert user.call("GET", "/preferences").status == 401


def test_a_token_does_not_open_another_users_state(app: Direct) -> None:
    mine, other = User(app.send), User(app.send)
    mine.sign_in()
    other.sign_in()
    other.put("/draft", "secret")
    mine.cookies["sid"] = mine.cookies["sid"].split("~")[0] + "~" + other.name
    assert mine.call("GET", "/draft").status == 401
    assert mine.put("/draft", "overwritten").status == 401
    assert other.get("/draft")["value"] == "secret"


@pytest.mark.parametrize("path", ["/preferences", "/draft"])
def test_a_register_counts_versions_and_names_the_write(user: User, path: str) -> None:
    assert user.get(path) == {"ver": 0, "wid": None, "value": None}
    for ver, value in enumerate([{"a": [1, None]}, "ü\n\x00", None, 1.5], start=1):
        answer = user.put(path, value)
        assert answer.json() == {"ver": ver, "wid": user.last_wid}
        wid = user.last_wid
        assert user.get(path) == {"ver": ver, "wid": wid, "value": value}


def test_a_cart_keeps_what_was_added_and_not_removed(user: User) -> None:
    assert user.get("/cart") == {"ver": 0, "wid": None, "items": []}
    user.add("a", wid="x.1.1")
    user.add('b"\n', wid="x.1.2")
    assert user.get("/cart")["items"] == [
        {"id": "x.1.1", "sku": "a", "quantity": 1},
        {"id": "x.1.2", "sku": 'b"\n', "quantity": 1},
    ]
    assert user.call("DELETE", "/cart/items/x.1.1").json()["ver"] == 3
    assert user.call("DELETE", "/cart/items/x.1.1").json()["ver"] == 4
    assert [item["id"] for item in user.get("/cart")["items"]] == ["x.1.2"]
    assert user.call("DELETE", "/cart").json()["ver"] == 5
    cart = user.get("/cart")
    assert (cart["ver"], cart["items"]) == (5, [])


def test_a_reading_history_is_a_log(user: User) -> None:
    for article in ("x", "y", "x"):
        user.append(article)
    history = user.get("/history")
    assert [entry["article"] for entry in history["entries"]] == ["x", "y", "x"]
    assert history["ver"] == 3
    assert history["entries"][-1]["id"] == history["wid"]
    recommended = user.get("/recommendations")
    assert recommended["articles"] == ["more-like-x", "more-like-y"]
    assert (recommended["ver"], recommended["wid"]) == (history["ver"], history["wid"])
    assert user.get("/recommendations") == recommended


def test_one_write_id_applied_twice_is_applied_once(user: User) -> None:
    first = user.append("x", wid="again.1.1").json()
    assert user.append("x", wid="again.1.1").json() == first
    assert user.get("/history")["ver"] == 1


def test_every_signed_in_answer_names_the_session(user: User) -> None:
    public = user.get("/session")["session"]
    for method, path, body in [
        ("GET", "/cart", None),
        ("PUT", "/draft", {"value": 1}),
        ("GET", "/preferences", None),
        ("POST", "/sign-out", None),
    ]:
        assert user.call(method, path, body).header("x-session-id") == public


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/preferences", {}, 400),
        ("PUT", "/preferences", b"{", 400),
        ("PUT", "/preferences", [], 400),
        ("PUT", "/preferences", {"value": "x" * 200_000}, 413),
        ("POST", "/cart/items", {"sku": 1, "quantity": 1}, 400),
        ("POST", "/cart/items", {"sku": "a", "quantity": 0}, 400),
        ("POST", "/cart/items", {"sku": "a", "quantity": True}, 400),
        ("POST", "/history", {}, 400),
        ("DELETE", "/cart/items/a%20b", None, 400),
        ("POST", "/orders", {"items": 1}, 400),
        ("PUT", "/uploads/x", b"text", 415),
        ("PATCH", "/cart", None, 405),
        ("GET", "/nothing", None, 404),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    user: User, method: str, path: str, body: Any, status: int
) -> None:
    answer = user.call(method, path, body)
    assert answer.status == status
    assert answer.json()["executed"] is False
    assert answer.json()["error"]
    for name in ("preferences", "cart", "history"):
        assert user.get(f"/{name}")["ver"] == 0


def test_without_a_database_there_are_no_orders(memory: Direct) -> None:
    user = User(memory.send)
    user.sign_in()
    for method, body in (("POST", {"items": []}), ("GET", None)):
        answer = user.call(method, "/orders", body)
        assert (answer.status, answer.json()["executed"]) == (503, False)


def test_a_write_without_a_write_id_is_refused(user: User) -> None:
    assert user.call("PUT", "/draft", {"value": 1}, wid="not a name").status == 400
    assert user.call("POST", "/sign-in", {"user": "u"}, wid="!").status == 400
    assert user.call("POST", "/sign-in", {"user": "not a name"}).status == 400


def test_health_and_the_page_need_no_session(app: Direct) -> None:
    user = User(app.send)
    health = user.call("GET", "/health")
    assert health.json()["status"] == "ok"
    told = parsedate_to_datetime(health.header("date"))
    assert abs((told - datetime.now(UTC)).total_seconds()) < 60
    assert "dependencies" in user.call("GET", "/health?deep=1").json()
    assert b"<h1>" in user.call("GET", "/").body


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(value=VALUES)
def test_any_json_value_comes_back_as_it_went(app: Direct, value: Any) -> None:
    user = User(app.send)
    user.sign_in()
    user.put("/draft", value)
    assert user.get("/draft")["value"] == value


def test_before_it_is_started_it_says_so_and_does_nothing() -> None:
    app = Direct(SESSION_STORE="memory")
    try:
        health = User(app.send).call("GET", "/health")
        assert (health.status, health.json()["status"]) == (503, "starting")
        refused = User(app.send).call("POST", "/sign-in", {"user": "u"})
        assert (refused.status, refused.json()["executed"]) == (503, False)
    finally:
        app.stop()


def test_a_session_ends_when_it_is_not_used_and_lives_on_when_it_is() -> None:
    now = [0.0]
    store = MemoryStore(ttl_s=10, clock=lambda: now[0])

    async def play() -> None:
        credentials, _ = await store.sign_in(Credentials.new("u"), "w")
        for now[0] in (9.0, 18.0, 27.0):
            await store.session(credentials)
        now[0] = 37.0
        with pytest.raises(NotSignedIn):
            await store.session(credentials)

    asyncio.run(play())
