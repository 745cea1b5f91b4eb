"""The verdict as a whole: every key is there, whatever the history."""

from __future__ import annotations

import json

from statedrill.check import exit_code
from statedrill.vocabulary import Kind, Outcome, Phase
from tests.check.history_builder import HISTORY, ORDERS, PREFERENCES, HistoryBuilder

KEYS = {
    "schema", "outcome", "summary", "why", "pattern", "experiment", "scenario", "profile", "seed",
    "sessions", "writes", "reads", "guarantees", "availability", "recovery", "latency_ms",
    "service_ms", "operations", "faults", "promise", "thresholds", "footing", "findings",
    "phases", "series",
}  # fmt: skip


def test_an_empty_history_is_unknown_and_has_every_key() -> None:
    verdict = HistoryBuilder().verdict()
    assert verdict.keys() >= KEYS
    assert verdict["outcome"] == "unknown"
    assert exit_code(verdict["outcome"]) == 3
    assert {each["outcome"] for each in verdict["findings"]} == {"unknown"}


def test_a_read_that_misses_an_own_write_is_counted_once_and_told() -> None:
    builder = HistoryBuilder()
    builder.write(10, PREFERENCES, 1, ver=1)
    builder.write(20, PREFERENCES, 2, ver=2)
    builder.read(30, PREFERENCES, 1, ver=1)
    verdict = builder.verdict()
    assert verdict["guarantees"]["read_your_writes"] == {"opportunities": 1, "violations": 1}
    (finding,) = [row for row in verdict["findings"] if row["check"] == "read-your-writes"]
    assert finding["primary"] == 1
    assert [each["wid"] for each in finding["operations"]] == ["r1.1.2", "r1.1.1"]


def test_an_order_that_stands_twice_is_one_write_that_took_effect_twice() -> None:
    builder = HistoryBuilder()
    builder.write(10, ORDERS, 1, ver=1, logical=1)
    builder.read(20, ORDERS, 1, ver=2, items=[1, 1], item_logicals=[1, 1])
    verdict = builder.verdict()
    assert verdict["writes"]["duplicated"] == 1


def test_orders_under_two_attempts_are_as_many_writes_that_took_effect_twice() -> None:
    builder = HistoryBuilder()
    builder.write(10, ORDERS, 1, ver=1, logical=1)
    builder.write(20, ORDERS, 2, ver=2, logical=1, attempt=2)
    builder.read(30, ORDERS, 2, ver=2, items=[1, 2], item_logicals=[1, 1])
    verdict = builder.verdict()
    assert verdict["writes"]["duplicated"] == 1


def test_an_entry_that_was_held_back_is_told_with_its_two_versions_not_as_done_twice() -> None:
    builder = HistoryBuilder()
    builder.write(10, HISTORY, 1, ver=1)
    builder.write(20, HISTORY, 2, ver=1)
    builder.read(30, HISTORY, 1, ver=2, items=[2, 1])
    builder.phase = Phase.AUDIT
    builder.read(40, HISTORY, 1, ver=2, items=[2, 1])
    verdict = builder.verdict()
    assert (verdict["writes"]["duplicated"], verdict["writes"]["two_versions"]) == (0, 1)
    assert "took effect twice" not in verdict["summary"]
    assert "1 write was shown with two versions" in verdict["summary"]
    found = {each["check"]: each for each in verdict["findings"]}
    assert found["duplicates"]["violations"] == 0
    seen = found["two-versions"]
    assert (seen["class"], seen["outcome"], seen["violations"]) == ("order-conflict", "broken", 1)
    assert seen["witness"] == (
        "session 1 sent change r1.1.1 once; it was confirmed as version 1 at 0.002 s, and its "
        "history at 0.022 s showed it as version 2."
    )
    assert [each["wid"] for each in seen["operations"]] == ["r1.1.1", "r1.1.1"]
    (clause,) = [each for each in verdict["promise"] if "done twice" in each["clause"]]
    assert clause["outcome"] == "broken"
    assert clause["evidence"].endswith("of them 1 by a write shown with two versions")


def test_a_write_that_a_list_holds_twice_has_two_versions_by_right() -> None:
    builder = HistoryBuilder()
    builder.write(10, HISTORY, 1, ver=1)
    builder.read(20, HISTORY, 1, ver=2, items=[1, 1])
    verdict = builder.verdict()
    assert (verdict["writes"]["duplicated"], verdict["writes"]["two_versions"]) == (1, 0)
    assert "1 write took effect twice" in verdict["summary"]


def test_a_loss_that_two_confirmed_versions_show_is_a_loss_and_nothing_else() -> None:
    builder = HistoryBuilder()
    builder.write(10, PREFERENCES, 1, ver=1)
    builder.write(20, PREFERENCES, 2, ver=1)
    builder.phase = Phase.AUDIT
    builder.read(30, PREFERENCES, 2, ver=1)
    found = {each["check"]: each for each in builder.verdict()["findings"]}
    assert (found["lost-writes"]["violations"], found["lost-writes"]["primary"]) == (1, 1)
    assert (found["versions"]["violations"], found["versions"]["after_loss"]) == (0, 1)


def test_a_record_with_gaps_holds_nothing_but_what_is_broken_stays_broken() -> None:
    builder = HistoryBuilder()
    builder.write(10, PREFERENCES, 1, ver=1)
    builder.write(20, PREFERENCES, 2, ver=2)
    builder.read(30, PREFERENCES, 1, ver=1)
    found = {
        each["check"]: each["outcome"] for each in builder.verdict(incomplete=(0,))["findings"]
    }
    assert found.pop("read-your-writes") == found.pop("stale-reads") == "broken"
    assert found.pop("linearizability") == "broken"
    assert set(found.values()) == {"unknown"}


def test_objects_of_no_known_model_are_not_judged() -> None:
    builder = HistoryBuilder()
    builder.write(10, 99, 1, ver=1, kind=Kind.PUT)
    builder.read(20, 99, 7, ver=0)
    verdict = builder.verdict()
    assert (verdict["writes"]["acknowledged"], verdict["reads"]["total"]) == (0, 0)
    assert not any(each["violations"] for each in verdict["findings"])
    assert verdict["operations"]["look"]["n"] == 1


def test_two_attempts_with_one_id_are_believed_only_as_far_as_both_allow() -> None:
    builder = HistoryBuilder()
    builder.write(10, PREFERENCES, 1, ver=1)
    builder.write(20, PREFERENCES, 2, ver=2)
    builder.write(25, PREFERENCES, 2, outcome=Outcome.FAILED)
    builder.read(30, PREFERENCES, 1, ver=1)
    assert builder.counts() == {}


def test_the_verdict_is_plain_json() -> None:
    builder = HistoryBuilder()
    builder.write(10, PREFERENCES, 1, ver=1)
    builder.write(20, PREFERENCES, 2, ver=2)
    builder.read(30, PREFERENCES, 1, ver=1)
    verdict = builder.verdict({"thresholds": ["p(99)<5", "max<5 for 1s"]})
    assert json.loads(json.dumps(verdict, allow_nan=False)) == verdict
