"""Each bug shows at the HTTP level, with its default number, and the clean shop shows none."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from reference_app import bugs as package
from reference_app.bugs import BUGS
from reference_app.bugs.base import Bug
from reference_app.model.model import (
    NEVER_WRITTEN,
    Accepted,
    Credentials,
    Outcome,
    OutcomeUnknown,
    Versioned,
    Write,
    element,
)
from reference_app.stores.rds import RdsStore
from reference_app.stores.rds_cached import RdsCachedStore
from tests.reference_app.client import Direct, User, running
from tests.support.aws import Region
from tests.support.services import Postgres, Valkey

Evidence = Callable[[Direct], bool]
CLASSES = {
    "lost",
    "stale",
    "duplicate",
    "resurrected",
    "leak",
    "session-lost",
    "order-conflict",
    "rejected-visible",
    "read-your-writes",
    "monotonic-reads",
    "monotonic-writes",
}


def signed_in(app: Direct) -> User:
    user = User(app.send)
    user.sign_in()
    return user


def ids(elements: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in elements]


def answered_before_stored(app: Direct) -> bool:
    user = signed_in(app)
    ver = user.append("x").json()["ver"]
    # recommendations look at the stored history, past the bug
    return bool(user.get("/recommendations")["ver"] < ver)


def dropped(app: Direct) -> bool:
    user = signed_in(app)
    acknowledged = sum(user.append("x").status == 200 for _ in range(10))
    return bool(user.get("/history")["ver"] < acknowledged)


def stale(app: Direct) -> bool:
    user = signed_in(app)
    user.get("/draft")
    ver = user.put("/draft", 1).json()["ver"]
    return bool(user.get("/draft")["ver"] < ver)


def old_again(app: Direct) -> bool:
    user = signed_in(app)
    for value in range(5):
        user.put("/draft", value)
    seen = user.get("/draft")["ver"]
    user.put("/draft", 5)
    return bool(user.get("/draft")["ver"] < seen)


def doubled(app: Direct) -> bool:
    user = signed_in(app)
    for _ in range(6):
        user.append("x")
    seen = ids(user.get("/history")["entries"])
    return len(seen) > len(set(seen))


def reordered(app: Direct) -> bool:
    user = signed_in(app)
    sent = []
    for _ in range(4):
        user.append("x")
        sent.append(user.last_wid)
    seen = ids(user.get("/history")["entries"])
    return seen != sent and sorted(seen) == sorted(sent)


def resurrected(app: Direct) -> bool:
    user = signed_in(app)
    user.add("a")
    item = user.last_wid
    user.call("DELETE", f"/cart/items/{item}")
    gone = item not in ids(user.get("/cart")["items"])
    return gone and item in ids(user.get("/cart")["items"])


def another_users(app: Direct) -> bool:
    users = [signed_in(app), signed_in(app)]
    for user in users:
        user.add(user.name)
    seen = [(user, item["sku"]) for _ in range(6) for user in users for item in cart(user)]
    return any(sku != user.name for user, sku in seen)


def cart(user: User) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = user.get("/cart")["items"]
    return items


def signed_out_by_itself(app: Direct) -> bool:
    user = signed_in(app)
    return any(user.call("GET", "/draft").status == 401 for _ in range(12))


def taken_for_a_stranger(app: Direct) -> bool:
    user = signed_in(app)
    public = user.get("/session")["session"]
    user.put("/draft", 1)
    answers = [user.call("GET", "/draft") for _ in range(22)]
    return any(one.header("x-session-id") != public and one.json()["ver"] == 0 for one in answers)


def refused_and_there(app: Direct) -> bool:
    user = signed_in(app)
    refused = []
    for _ in range(6):
        answer = user.append("x")
        if answer.status == 503 and answer.json()["executed"] is False:
            refused.append(user.last_wid)
    return bool(set(refused) & set(ids(user.get("/history")["entries"])))


def in_the_wrong_state(app: Direct) -> bool:
    users = [signed_in(app), signed_in(app)]
    for _ in range(6):
        for user in users:
            user.append(user.name)
    entries = [(user, one) for user in users for one in user.get("/history")["entries"]]
    return any(one["article"] != user.name for user, one in entries)


def ordered_twice(app: Direct) -> bool:
    user = signed_in(app)
    for key in ("k1", "k2"):
        assert user.order(key).status == 201
    seen = [order["wid"] for order in user.get("/orders")["orders"]]
    return len(seen) > len(set(seen))


def recorded_and_absent(app: Direct) -> bool:
    user = signed_in(app)
    for number in range(3):
        assert user.upload(f"p{number}", b"png").status == 200
    answers = [user.call("GET", f"/uploads/p{number}") for number in range(3)]
    absent = [one.json() for one in answers if one.status == 404]
    return any(one["absent"] and one["ver"] == 1 for one in absent)


def elsewhere(app: Direct, user: User, wid: str) -> Awaitable[Outcome]:
    """Another instance, with the same store, appends to the user's history."""
    credentials = Credentials.of(user.cookies)
    assert credentials
    return app.app.shop.store.write(
        credentials, Write(user.name, "history", "append", wid, element(wid))
    )


def overwritten_at_shutdown(app: Direct) -> bool:
    user = signed_in(app)
    user.append("x")
    app.run(elsewhere(app, user, "w1"))
    app.run(app.app.shop.stop())
    return "w1" not in ids(user.get("/history")["entries"])


def overwritten_under_an_old_lock(app: Direct) -> bool:
    user, store = signed_in(app), app.app.shop.store
    write = store.write

    async def frozen_before(credentials: Credentials, late: Write) -> Outcome:
        with mock.patch.object(store, "write", write):
            await elsewhere(app, user, "w1")
        return await write(credentials, late)

    with mock.patch.object(store, "write", frozen_before):
        user.append("x")
    assert user.last_wid in ids(user.get("/history")["entries"])
    return "w1" not in ids(user.get("/history")["entries"])


def signed_out_by_a_clock_that_is_ahead(app: Direct) -> bool:
    user = signed_in(app)
    user.get("/session")
    ahead = time.time() + 2 * 86_400
    with mock.patch.object(time, "time", return_value=ahead):
        refused = user.call("GET", "/session").status == 401
    assert user.get("/session")["user"] == user.name, "only that clock has a different opinion"
    return refused


def doubled_after_a_lost_answer(app: Direct) -> bool:
    user, store = signed_in(app), app.app.shop.store
    write = store.write

    async def without_an_answer(credentials: Credentials, done: Write) -> Outcome:
        await write(credentials, done)
        raise OutcomeUnknown("no answer came")

    with mock.patch.object(store, "write", without_an_answer):
        assert user.append("x").status == 500
    wid = user.last_wid
    return ids(user.get("/history")["entries"]) == [wid, wid]


async def long_ago(user: str, name: str) -> Versioned:
    """What a replica shows that has not heard of anything yet."""
    return NEVER_WRITTEN


def shown_the_past(app: Direct) -> bool:
    user, store = signed_in(app), app.app.shop.store
    assert isinstance(store, RdsCachedStore)
    with mock.patch.object(store.replicas, "read", long_ago):
        ver = user.put("/draft", 1).json()["ver"]
        return bool(user.get("/draft")["ver"] < ver)


def overwritten_by_the_other_mount(app: Direct) -> bool:
    user, sent = signed_in(app), []
    for _ in range(12):
        user.append("x")
        sent.append(user.last_wid)
    seen = ids(user.get("/history")["entries"])
    assert seen == [wid for wid in sent if wid in seen]
    assert seen[-1] == sent[-1]
    return len(seen) < len(sent)


def queued_as_no_worker_can_apply_it(app: Direct) -> bool:
    user, store = signed_in(app), app.app.shop.store
    queued: list[Write] = []

    async def queue(credentials: Credentials, write: Write) -> Outcome:
        queued.append(write)
        return Accepted(write.wid, {})

    with (
        mock.patch.object(type(store), "queues_writes", True),
        mock.patch.object(store, "write", queue),
    ):
        for key in ("k1", "k2", "k3"):
            assert user.order(key).status == 202
    return any(b"\0" in write.data for write in queued)


def let_in_again_after_a_restore(app: Direct) -> bool:
    users, store = [signed_in(app), signed_in(app)], app.app.shop.store
    assert isinstance(store, RdsStore)
    cookies = [dict(user.cookies) for user in users]
    assert [user.call("POST", "/sign-out").status for user in users] == [200, 200]
    for user, kept in zip(users, cookies, strict=True):
        user.cookies = kept
    assert [user.call("GET", "/session").status for user in users] == [401, 401]

    async def empty(connection: Any) -> None:
        """As it is in a restored database."""
        if await connection.fetchval("SELECT to_regclass('ended_sessions')"):
            await connection.execute("TRUNCATE ended_sessions")

    app.run(store.database.run(empty))
    return [user.call("GET", "/session").status for user in users] == [401, 200]


EVIDENCE: dict[str, Evidence] = {
    "acknowledge-before-storing": answered_before_stored,
    "drop-every-nth-write": dropped,
    "stale-replica": stale,
    "old-state-after-failback": old_again,
    "retry-applied-twice": doubled,
    "reorder-writes": reordered,
    "resurrect-removed-item": resurrected,
    "another-users-cart": another_users,
    "silent-session-loss": signed_out_by_itself,
    "fresh-session-on-store-error": taken_for_a_stranger,
    "order-twice-on-redelivery": ordered_twice,
    "upload-record-without-object": recorded_and_absent,
    "error-after-storing": refused_and_there,
    "write-into-another-users-state": in_the_wrong_state,
    "save-old-state-at-shutdown": overwritten_at_shutdown,
    "store-under-expired-lock": overwritten_under_an_old_lock,
    "expire-sessions-by-local-clock": signed_out_by_a_clock_that_is_ahead,
    "retry-with-new-id": doubled_after_a_lost_answer,
    "fill-from-lagging-replica": shown_the_past,
    "mount-volume-twice": overwritten_by_the_other_mount,
    "dead-letter-swallows-order": queued_as_no_worker_can_apply_it,
    "sign-out-in-unlogged-table": let_in_again_after_a_restore,
}
IN_ANY_STORE = [name for name in EVIDENCE if not BUGS[name].needs]
WITH_REPLICAS = [name for name in EVIDENCE if "DATABASE_READER_URL" in BUGS[name].needs]
WITH_SESSIONS_IN_A_DATABASE = ["sign-out-in-unlogged-table"]
WITH_SERVICES = [
    name
    for name in EVIDENCE
    if BUGS[name].needs and name not in (*WITH_REPLICAS, *WITH_SESSIONS_IN_A_DATABASE)
]


def test_every_bug_has_evidence_here_and_a_class_that_a_checker_knows() -> None:
    assert list(EVIDENCE) == list(BUGS)
    for bug in BUGS.values():
        assert bug.found_as
        assert set(bug.found_as) <= CLASSES


def test_a_bug_is_one_class_in_one_module_and_one_row_of_the_table() -> None:
    modules = {path.stem for path in Path(package.__path__[0]).glob("*.py")} - {"__init__", "base"}
    assert modules == {name.replace("-", "_") for name in BUGS}
    for name, bug in BUGS.items():
        module = import_module(f"reference_app.bugs.{name.replace('-', '_')}")
        classes = [each for each in vars(module).values() if isinstance(each, type)]
        own = [each for each in classes if issubclass(each, Bug) and each is not Bug]
        assert (own, bug.name) == ([bug], name)


@contextlib.contextmanager
def shop(bugs: str, cache_url: str = "", **environ: str) -> Iterator[Direct]:
    store = "valkey" if cache_url else "memory"
    with running(SESSION_STORE=store, CACHE_URL=cache_url, BUGS=bugs, **environ) as app:
        yield app


@pytest.mark.parametrize("name", IN_ANY_STORE)
def test_a_bug_shows_in_memory_and_the_clean_shop_does_not_show_it(name: str) -> None:
    with shop(name) as app:
        assert EVIDENCE[name](app)
    with shop("") as app:
        assert not EVIDENCE[name](app)


@pytest.mark.cluster
@pytest.mark.parametrize("name", IN_ANY_STORE)
def test_a_bug_shows_in_valkey_and_the_clean_shop_does_not_show_it(
    name: str, valkey: Valkey
) -> None:
    with shop(name, valkey.url) as app:
        assert EVIDENCE[name](app)
    with shop("", valkey.url) as app:
        assert not EVIDENCE[name](app)


@pytest.mark.cluster
@pytest.mark.parametrize("name", WITH_SERVICES)
def test_a_bug_shows_in_orders_and_uploads(name: str, postgres: Postgres, region: Region) -> None:
    environ = {**region.env, "DATABASE_URL": postgres.url}
    with shop(name, **environ) as app:
        assert EVIDENCE[name](app)
    with shop("", **environ) as app:
        assert not EVIDENCE[name](app)


@pytest.mark.cluster
@pytest.mark.parametrize("name", WITH_SESSIONS_IN_A_DATABASE)
def test_a_bug_shows_where_sessions_are_in_a_database(name: str, postgres: Postgres) -> None:
    environ = {"SESSION_STORE": "rds", "DATABASE_URL": postgres.url}
    with running(**environ, BUGS=name) as app:
        assert EVIDENCE[name](app)
    with running(**environ) as app:
        assert not EVIDENCE[name](app)


@pytest.mark.cluster
@pytest.mark.parametrize("name", WITH_REPLICAS)
def test_a_bug_shows_where_replicas_fill_a_cache(
    name: str, postgres: Postgres, valkey: Valkey
) -> None:
    environ = {
        "SESSION_STORE": "rds_cached",
        "CACHE_CONSISTENCY": "versioned",
        "CACHE_URL": valkey.url,
        "DATABASE_URL": postgres.url,
        "DATABASE_READER_URL": postgres.url,
    }
    with running(**environ, BUGS=name) as app:
        assert EVIDENCE[name](app)
    with running(**environ) as app:
        assert not EVIDENCE[name](app)


def test_what_is_acknowledged_too_early_is_stored_in_the_end() -> None:
    with shop("acknowledge-before-storing:1") as app:
        user = signed_in(app)
        user.append("x")
        app.settle(0.05)
        assert user.get("/recommendations")["ver"] == 1


def test_two_bugs_can_be_planted_at_once() -> None:
    with shop("drop-every-nth-write:2,stale-replica:3") as app:
        assert stale(app)
        assert dropped(app)
