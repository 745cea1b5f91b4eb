"""A session that nobody used for longer than it lives is no loss, and neither is its state."""

from __future__ import annotations

from typing import Any

import pytest

from statedrill.check.checks.lost_sessions import LostSessions
from statedrill.history.operation import FOREVER, SIGNED_OUT
from statedrill.vocabulary import GUARANTEES, Kind, Outcome, Phase
from tests.check.history_builder import DRAFT, MS, ORDERS, SESSION, UPLOAD, HistoryBuilder

TTL_MS = 3_000
PROMISE = {"session_ttl_s": TTL_MS / 1000, "guarantees": list(GUARANTEES)}


def story(*, idle_ms: float, last_use: dict[str, Any] | None = None) -> HistoryBuilder:
    """Signed in at 0, a draft at 100; refused after `idle_ms`, signed in again; the audit."""
    builder = HistoryBuilder()
    builder.write(0, SESSION, 1, server_session=2, ver=1)
    builder.write(100, DRAFT, 2, **{"server_session": 2, "ver": 1, **(last_use or {})})
    at = 100 + idle_ms
    builder.read(at, DRAFT, 0, outcome=Outcome.FAILED, status=401, server_session=SIGNED_OUT)
    builder.write(at + 10, SESSION, 3, server_session=3, ver=1)
    builder.read(at + 20, DRAFT, 0, ver=0, server_session=3)
    builder.phase = Phase.AUDIT
    builder.read(at + 100, DRAFT, 0, ver=0, server_session=3)
    return builder


def told(builder: HistoryBuilder, **promise: Any) -> dict[str, Any]:
    pattern = {"pattern": {"promise": {**PROMISE, **promise}}}
    verdict = builder.verdict(pattern)
    broken = [each["clause"] for each in verdict["promise"] if each["outcome"] == "broken"]
    return {
        "expired": verdict["sessions"].get("expired", 0),
        "lost": (verdict["sessions"]["lost"], verdict["writes"]["lost"]),
        "broken": broken,
        "summary": verdict["summary"],
    }


def test_a_session_that_was_not_used_for_longer_is_expired_and_its_state_with_it() -> None:
    found = told(story(idle_ms=TTL_MS + 50))
    assert (found["expired"], found["lost"], found["broken"]) == (1, (0, 0), [])
    assert "1 session expired, not having been used for long enough" in found["summary"]


def test_a_session_that_is_refused_earlier_is_lost_and_so_is_its_state() -> None:
    found = told(story(idle_ms=TTL_MS - 50))
    assert (found["expired"], found["lost"]) == (0, (1, 1))
    assert "loses nothing without a failure" in found["broken"]


def test_in_between_it_is_neither_accused_nor_counted() -> None:
    """The last use may have been as early as its call, and as late as its answer."""
    found = told(story(idle_ms=TTL_MS + 50, last_use={"took": 100}))
    assert (found["expired"], found["lost"]) == (0, (0, 0))


def test_a_use_that_nobody_confirmed_may_have_come_later() -> None:
    builder = story(idle_ms=TTL_MS + 50)
    builder.read(2_000, DRAFT, 0, outcome=Outcome.UNKNOWN, status=0)
    found = told(builder)
    assert (found["expired"], found["lost"], found["broken"]) == (0, (0, 0), [])


def test_a_refused_request_is_no_use() -> None:
    builder = story(idle_ms=TTL_MS + 50)
    builder.read(2_000, DRAFT, 0, outcome=Outcome.FAILED, status=503)
    assert told(builder)["expired"] == 1


def test_without_the_promise_state_must_outlive_its_session() -> None:
    builder = story(idle_ms=TTL_MS + 50)
    env = {"application": {"env": {"SESSION_TTL_S": "3"}}}
    verdict = builder.verdict({"pattern": env})
    assert (verdict["sessions"]["lost"], verdict["sessions"].get("expired", 0)) == (0, 1)
    assert verdict["writes"]["lost"] == 1


def test_the_promise_counts_and_not_the_setting_of_the_application() -> None:
    env = {"application": {"env": {"SESSION_TTL_S": "1"}}, "promise": PROMISE}
    verdict = story(idle_ms=1_500).verdict({"pattern": env})
    assert (verdict["sessions"]["lost"], verdict["writes"]["lost"]) == (1, 1)


@pytest.mark.parametrize(("thing", "kind"), [(ORDERS, Kind.APPEND), (UPLOAD, Kind.PUT)])
def test_orders_and_uploads_do_not_live_in_a_session(thing: int, kind: Kind) -> None:
    builder = story(idle_ms=TTL_MS + 50)
    builder.write(50, thing, 9, kind=kind, logical=1, ver=1, server_session=2)
    items = {"items": [], "item_logicals": []} if thing == ORDERS else {}
    builder.read(4_000, thing, 0, ver=0, server_session=3, **items)
    assert told(builder)["lost"] == (0, 1)


def test_what_was_written_after_the_expiry_is_not_excused() -> None:
    builder = story(idle_ms=TTL_MS + 50)
    builder.phase = Phase.BASELINE
    builder.write(3_180, DRAFT, 5, ver=1, server_session=3)
    assert told(builder)["lost"] == (0, 1)


def outlived(then: str) -> HistoryBuilder:
    """Signed in again after long enough: the draft is still there, and `then` wrong later."""
    builder = HistoryBuilder()
    builder.write(0, SESSION, 1, server_session=2, ver=1)
    builder.write(100, DRAFT, 2, server_session=2, ver=1)
    builder.write(4_000, SESSION, 3, server_session=3, ver=2)
    builder.read(4_100, DRAFT, 2, server_session=3, ver=1)
    if then == "stale":
        builder.read(5_000, DRAFT, 0, server_session=3, ver=0)
        builder.read(5_500, DRAFT, 2, server_session=3, ver=1)
    builder.phase = Phase.AUDIT
    shown = {"lost": (0, 0), "stale": (2, 1)}[then]
    builder.read(6_000, DRAFT, shown[0], server_session=3, ver=shown[1])
    return builder


def test_what_is_still_shown_did_not_expire_and_is_lost_when_it_is_gone_later() -> None:
    found = told(outlived("lost"))
    assert found["lost"] == (0, 1)
    assert "loses nothing without a failure" in found["broken"]


def test_what_is_still_shown_did_not_expire_and_is_no_excuse_for_a_stale_read() -> None:
    found = told(outlived("stale"))
    assert found["lost"] == (0, 0)
    assert {"read your writes", "monotonic reads"} <= set(found["broken"])


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_expiry_excuses_nothing_that_is_wrong_before_it_or_after_it(when: str) -> None:
    builder = story(idle_ms=TTL_MS + 950)  # signed in again at 4,060
    at, session = (-700, 2) if when == "before" else (5_000, 3)
    builder.phase = Phase.BASELINE
    if when == "before":
        builder.write(-1_000, SESSION, 8, server_session=2, ver=1)
    for wid, ver in ((6, 1), (7, 2)):
        builder.write(at + 10 * ver, DRAFT, wid, ver=ver, server_session=session)
    builder.read(at + 50, DRAFT, 6, ver=1, server_session=session)
    if when == "before":
        builder.rows[1]["ver"] = 3
    builder.phase = Phase.AUDIT
    shown = (0, 0) if when == "before" else (7, 2)
    builder.read(6_000, DRAFT, shown[0], ver=shown[1], server_session=3)
    found = told(builder)
    assert found["lost"] == (0, 0)
    assert "read your writes" in found["broken"]


def test_a_session_that_is_still_there_has_its_state() -> None:
    builder = HistoryBuilder()
    builder.write(0, SESSION, 1, server_session=2, ver=1)
    builder.write(100, DRAFT, 2, server_session=2, ver=1)
    builder.phase = Phase.AUDIT
    builder.read(9_000, DRAFT, 0, ver=0, server_session=2)
    assert told(builder)["lost"] == (0, 1)


def test_nothing_expires_where_nothing_is_promised() -> None:
    results = story(idle_ms=9_000).results(ttl_ns=FOREVER, state_ttl_ns=FOREVER)
    assert not results.of(LostSessions).expired.any()
    expired = story(idle_ms=9_000).results(ttl_ns=TTL_MS * MS, state_ttl_ns=TTL_MS * MS)
    assert expired.of(LostSessions).expired.sum() == 1
