"""What is promised against what was found, clause by clause, in whole drills."""

from __future__ import annotations

from typing import Any

import pytest

from statedrill.check import exit_code
from statedrill.vocabulary import GUARANTEES, Phase
from tests.check.drill_builder import events, forget, plan, users, verdict
from tests.check.history_builder import PREFERENCES, HistoryBuilder


def clause(seen: dict[str, Any], text: str) -> dict[str, Any]:
    (found,) = [each for each in seen["promise"] if each["clause"] == text]
    return dict(found)


def test_a_kept_promise_is_held() -> None:
    seen = verdict(users(), plan("instance", survives=["instance"], guarantees=GUARANTEES))
    assert (seen["outcome"], exit_code(seen["outcome"])) == ("held", 0)
    assert seen["why"] == ["All 7 promised clauses held."]
    assert seen["summary"] == (
        "sample lost none of 10 sessions and none of 150 acknowledged writes when one instance "
        "was killed."
    )


def test_a_broken_promise_is_broken_and_told_first() -> None:
    builder = users()
    forget(builder, 2)
    seen = verdict(builder, plan("instance", survives=["instance"]))
    assert (seen["outcome"], exit_code(seen["outcome"])) == ("broken", 99)
    lost = seen["writes"]["lost"]
    assert seen["why"][0] == (
        f"Broken: survives instance ({lost} of 150 acknowledged writes lost)."
    )
    assert seen["sessions"]["with_lost_writes"] == 2
    assert seen["summary"].endswith("when one instance was killed; it had promised to lose none.")


def test_a_loss_that_was_not_promised_against_breaks_nothing() -> None:
    builder = users()
    forget(builder, 2)
    seen = verdict(builder, plan("instance", guarantees=GUARANTEES))
    assert seen["outcome"] == "held"
    assert clause(seen, "survives instance")["outcome"] == "broken"
    assert clause(seen, "survives instance")["promised"] is False
    assert clause(seen, "read your writes")["outcome"] == "held"
    assert seen["reads"]["after_loss"] == 2
    assert "its promise does not cover this" in seen["summary"]


def test_without_a_failure_nothing_may_be_lost_whatever_is_promised() -> None:
    builder = users()
    forget(builder, 1)
    seen = verdict(builder, plan(None))
    assert clause(seen, "loses nothing without a failure")["promised"] is True
    assert seen["outcome"] == "broken"
    assert "without a failure" in seen["summary"]


def test_a_broken_promise_stays_broken_where_other_things_are_not_known() -> None:
    builder = users()
    forget(builder, 1)
    seen = verdict(builder, plan("instance", survives=["instance"]), events=events(proved=False))
    assert seen["outcome"] == "broken"
    assert seen["why"][0].startswith("Broken: survives instance")
    assert any(why.startswith("Not known: nothing proves") for why in seen["why"])


def test_reads_that_miss_an_accepted_write_are_stale_and_break_only_read_your_writes() -> None:
    builder = HistoryBuilder()
    builder.write(10, PREFERENCES, 1, outcome=3, status=202)
    builder.read(20, PREFERENCES, 0, ver=0)
    builder.read(40, PREFERENCES, 1, ver=1)
    builder.phase = Phase.AUDIT
    builder.read(31_000, PREFERENCES, 1, ver=1)
    builder.rows += users(sessions=10).rows
    for number, row in enumerate(builder.rows):
        row["session"] += 100 if number >= 4 else 0
    seen = verdict(builder, plan(None, guarantees=GUARANTEES))
    assert (seen["reads"]["stale"], seen["reads"]["stale_accepted"]) == (1, 1)
    assert seen["reads"]["staleness_s"]["max"] == pytest.approx(0.008)
    assert clause(seen, "read your writes")["outcome"] == "broken"
    assert seen["guarantees"]["read_your_writes"]["violations"] == 0
    assert {row["violations"] for row in seen["findings"]} == {0}
    held = verdict(builder, plan(None, guarantees=tuple(GUARANTEES)[1:]))
    assert (held["outcome"], held["reads"]["stale"]) == ("held", 1)
    assert "1 of 153 reads were stale" in held["summary"]


def test_a_guarantee_that_was_not_tested_is_unknown_and_matters_only_when_promised() -> None:
    builder = users()
    builder.rows = [row for row in builder.rows if row["kind"] != 1]
    for row in builder.rows:
        row.update({"read_wid": 0, "ver": 0} if row["kind"] == 0 else {})
    seen = verdict(builder, plan(None, guarantees=["monotonic_writes"]))
    assert clause(seen, "monotonic writes") == {
        "clause": "monotonic writes", "promised": True, "outcome": "unknown",
        "evidence": "not tested: there was no opportunity",
    }  # fmt: skip
    assert seen["outcome"] == "unknown"
