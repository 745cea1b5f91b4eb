"""The sentences of the verdict: what broke is said in the fault's own words."""

from __future__ import annotations

from typing import Any

import pytest

from statedrill.check.verdict.record import FaultEvidence
from statedrill.check.verdict.sentences import reasons, summary
from tests.check.drill_builder import fail, forget, plan, users, verdict


def fault(name: str, *targets: str, **more: Any) -> FaultEvidence:
    found: Any = {"fault": "f1", "name": name, "domain": "instance", "targets": list(targets),
                  "zone": None, "begin_s": 1.0, "end_s": 2.0, "how": "", "proved": True,
                  "proof": "", **more}  # fmt: skip
    return found


def said(*faults: FaultEvidence, domain: str | None = "instance") -> str:
    """How the summary says when it happened."""
    seen = verdict(users(), plan(domain))
    seen["faults"] = list(faults)
    return summary(seen, domain).removesuffix(".").partition("acknowledged writes ")[2]


def test_a_fault_is_said_in_its_own_words() -> None:
    assert said(fault("drain_queue", phrase="the queue lost its messages")) == (
        "when the queue lost its messages"
    )


def test_each_reason_why_something_is_not_known_is_said_once() -> None:
    seen = verdict(users())
    unproved, lost = "nothing proves the fault", "the audit could read nothing"
    evidence = [f"{unproved}; {lost}", lost, "not tested", "not tested", f"3 lost; {unproved}"]
    for clause, why in zip(seen["promise"], evidence, strict=False):
        clause |= {"promised": True, "outcome": "unknown", "evidence": why}
    names = [each["clause"] for each in seen["promise"]]
    assert reasons(seen, [unproved, lost]) == [
        f"Not known: {unproved}.",
        f"Not known: {lost}.",
        f"Not known: {names[2]}, {names[3]} (not tested).",
        f"Not known: {names[4]} (3 lost).",
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (fault("terminate_instances", "i-1"), "when one instance was killed"),
        (fault("terminate_instances", "i-1", "i-2"), "when two instances were killed"),
        (fault("ec2/terminate-instances", *"abcdefg"), "when 7 instances were killed"),
        (fault("terminate_instances"), "when an instance was lost"),
        (fault("stop_zone", "a"), "when a whole zone went down"),
        (fault("elasticache/flush"), "when the cache was emptied"),
        (fault("rds/failover-db-cluster"), "when the database failed over"),
        (fault("something_else"), "when an instance was lost"),
    ],
)
def test_a_fault_of_an_earlier_version_is_said_by_its_name_or_its_domain(
    found: FaultEvidence, words: str
) -> None:
    assert said(found) == words


def test_a_fault_of_no_known_name_and_domain_is_said_by_its_name() -> None:
    assert said(fault("bit_rot"), domain="paper") == "when bit rot happened"


def test_two_faults_are_joined_equal_ones_said_once_and_more_counted() -> None:
    flush, zone = fault("flush"), fault("stop_zone")
    assert said(flush, flush) == "when the cache was emptied"
    assert said(flush, zone) == "when the cache was emptied and a whole zone went down"
    assert said(flush, zone, fault("terminate_instances", "i")) == "when 3 things were broken"


def test_without_a_fault_the_summary_says_whether_one_was_planned() -> None:
    assert said(domain=None) == "without a failure"
    assert said(domain="cache") == "in a drill whose fault never happened"


def test_a_loss_that_was_not_promised_against_is_said_to_be_none_of_the_promise() -> None:
    story = users()
    forget(story, 1)
    assert summary(verdict(story), "instance").endswith("; its promise does not cover this.")
    kept = verdict(story, plan("instance", survives=["instance"]))
    assert summary(kept, "instance").endswith("; it had promised to lose none.")


def test_the_reasons_name_what_is_broken_before_what_is_not_known() -> None:
    story = users()
    forget(story, 1)
    fail(story, 1_000, 9_000)
    seen = verdict(story, plan("instance", survives=["instance"]))
    kinds = [each.partition(":")[0] for each in reasons(seen, ["the sky is grey"])]
    assert kinds == sorted(kinds, key=["Broken", "Not known", "Also"].index)
    assert {"Broken", "Not known"} <= set(kinds)
    assert "Not known: the sky is grey." in reasons(seen, ["the sky is grey", "the sky is grey"])
