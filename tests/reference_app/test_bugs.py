"""Each bug shows at the HTTP level, with its default number, and the clean shop shows none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reference_app.bugs.buggy_shop import WRAPPERS
from reference_app.bugs.table import ALL, TABLE
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


def somebody_elses(app: Direct) -> bool:
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


def a_stranger(app: Direct) -> bool:
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


EVIDENCE: dict[str, Evidence] = {
    "acknowledge-before-storing": answered_before_stored,
    "drop-every-nth-write": dropped,
    "stale-replica": stale,
    "old-state-after-failback": old_again,
    "retry-applied-twice": doubled,
    "reorder-writes": reordered,
    "resurrect-removed-item": resurrected,
    "another-users-cart": somebody_elses,
    "silent-session-loss": signed_out_by_itself,
    "fresh-session-on-store-error": a_stranger,
    "error-after-storing": refused_and_there,
    "write-into-another-users-state": in_the_wrong_state,
}
WITH_RECORDS: dict[str, Evidence] = {
    "order-twice-on-redelivery": ordered_twice,
    "upload-record-without-object": recorded_and_absent,
}


def test_the_table_the_wrappers_and_the_evidence_name_the_same_bugs() -> None:
    names = [bug.name for bug in TABLE]
    assert len(set(names)) == len(names) >= 12
    assert set(names) == set(WRAPPERS) == set(EVIDENCE) | set(WITH_RECORDS)
    for bug in TABLE:
        assert set(bug.found_as) <= CLASSES
        assert set(bug.stores) <= set(ALL)


@contextlib.contextmanager
def shop(bugs: str, cache_url: str = "", **environ: str) -> Iterator[Direct]:
    store = "valkey" if cache_url else "memory"
    with running(SESSION_STORE=store, CACHE_URL=cache_url, BUGS=bugs, **environ) as app:
        yield app


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_bug_shows_in_memory_and_the_clean_shop_does_not_show_it(name: str) -> None:
    with shop(name) as app:
        assert EVIDENCE[name](app)
    with shop("") as app:
        assert not EVIDENCE[name](app)


@pytest.mark.cluster
@pytest.mark.parametrize("name", EVIDENCE)
def test_a_bug_shows_in_valkey_and_the_clean_shop_does_not_show_it(
    name: str, valkey: Valkey
) -> None:
    with shop(name, valkey.url) as app:
        assert EVIDENCE[name](app)
    with shop("", valkey.url) as app:
        assert not EVIDENCE[name](app)


@pytest.mark.cluster
@pytest.mark.parametrize("name", WITH_RECORDS)
def test_a_bug_shows_in_orders_and_uploads(name: str, postgres: Postgres, region: Region) -> None:
    environ = {**region.env, "DATABASE_URL": postgres.url}
    with shop(name, **environ) as app:
        assert WITH_RECORDS[name](app)
    with shop("", **environ) as app:
        assert not WITH_RECORDS[name](app)


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
