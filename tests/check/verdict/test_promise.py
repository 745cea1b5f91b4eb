"""What is promised against what was found, clause by clause, in whole drills."""

from __future__ import annotations

from typing import Any

import pytest

from statedrill.check import exit_code
from statedrill.history.events import Event
from statedrill.history.operation import SIGNED_OUT
from statedrill.vocabulary import GUARANTEES, Kind, Outcome, Phase
from tests.check.drill_builder import events, forget, plan, users, verdict
from tests.check.history_builder import DRAFT, MS, PREFERENCES, SESSION, START, HistoryBuilder


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


def rolled_back(builder: HistoryBuilder, session: int, to_s: float) -> None:
    """The audit finds of the session what was there `to_s` seconds after the beginning."""
    kept = max(
        row["ver"]
        for row in builder.rows
        if row["object"] == PREFERENCES
        and row["session"] == session
        and row["call"] < START + to_s * 1000 * MS
    )
    for row in builder.rows:
        if row["phase"] == Phase.AUDIT and row["session"] == session:
            row["read_wid"], row["ver"] = kept + 1, kept


RESTORES_4_S = "restores what is older than 4 s"


def test_a_restore_that_brings_back_all_that_is_old_enough_holds() -> None:
    builder = users()
    rolled_back(builder, 1, 7.0)  # the failure begins at 10 s
    seen = verdict(builder, plan("data", restores={"rpo_s": 4.0}))
    assert clause(seen, "survives data")["outcome"] == "broken"
    held = clause(seen, RESTORES_4_S)
    assert (held["outcome"], held["promised"]) == ("held", True)
    assert held["evidence"].endswith(f"lost; {seen['writes']['lost']} younger ones were given up")
    assert seen["outcome"] == "held"
    assert seen["summary"].endswith("; what was older than 4 s was restored.")


def test_a_restore_that_lacks_what_is_old_enough_is_broken() -> None:
    builder = users()
    rolled_back(builder, 1, 5.0)
    seen = verdict(builder, plan("data", restores={"rpo_s": 4.0}))
    assert clause(seen, RESTORES_4_S)["outcome"] == "broken"
    assert seen["outcome"] == "broken"
    assert seen["summary"].endswith("; what was older than 4 s was not all restored.")


def test_the_age_of_a_restore_may_be_the_name_of_a_delay() -> None:
    builder = users()
    rolled_back(builder, 1, 7.0)
    made = plan("data", restores={"rpo_s": "volume_attach_s"})
    made["timings"] = {"column": "fast", "volume_attach_s": 4.0}
    assert clause(verdict(builder, made), RESTORES_4_S)["outcome"] == "held"


def test_a_restore_that_was_not_seen_to_end_or_had_nothing_to_bring_back_is_unknown() -> None:
    without_end = [each for each in events("data") if each["event"] != "fault-end"]
    seen = verdict(users(), plan("data", restores={"rpo_s": 4.0}), events=without_end)
    assert "did not come to its end" in clause(seen, RESTORES_4_S)["evidence"]
    seen = verdict(users(), plan("data", restores={"rpo_s": 60.0}))
    assert "not tested" in clause(seen, "restores what is older than 60 s")["evidence"]
    assert seen["outcome"] == "unknown"


@pytest.mark.parametrize(("away_s", "outcome"), [((11, 19), "held"), ((21, 40), "broken")])
def test_a_session_counts_against_a_restore_when_it_is_gone_after_it(
    away_s: tuple[int, int], outcome: str
) -> None:
    builder = users()
    begin, end = (START + second * 1000 * MS for second in away_s)
    for row in builder.rows:
        if row["session"] == 1 and begin <= row["call"] < end and row["object"] == PREFERENCES:
            row["server_session"] = SIGNED_OUT
    builder.phase = Phase.FAULT  # the user signs in again at once
    builder.write(away_s[1] * 1000 - 1, SESSION, 99, ver=2, server_session=3)
    for row in builder.rows:
        if row["session"] == 1 and row["call"] >= end and row["object"] == PREFERENCES:
            row["server_session"] = 3
    seen = verdict(builder, plan("data", restores={"rpo_s": 4.0}))
    assert seen["sessions"]["lost"] == 1
    assert clause(seen, RESTORES_4_S)["outcome"] == outcome


def test_a_restore_is_no_question_where_no_data_were_deleted() -> None:
    seen = verdict(users(), plan("instance", survives=["instance"], restores={"rpo_s": 4.0}))
    assert not [each for each in seen["promise"] if each["clause"].startswith("restores")]


@pytest.mark.parametrize(("target", "is_question"), [("cache", False), ("database-1", True)])
def test_a_restore_is_no_question_where_what_was_hit_is_not_backed_up(
    target: str, is_question: bool
) -> None:
    made = plan("data", restores={"rpo_s": 4.0})
    services: Any = {"cache": {"snapshots": False}, "database": {"backups": True}}
    made["pattern"]["services"] = services
    recorded = events("data")
    for each in recorded:
        if each["event"] == "fault-begin":
            each["targets"] = [target]
    seen = verdict(users(), made, events=recorded)
    asked = [each for each in seen["promise"] if each["clause"].startswith("restores")]
    assert bool(asked) == is_question


def test_a_restore_that_did_not_come_to_its_end_is_not_broken_by_what_is_gone() -> None:
    builder = users()
    rolled_back(builder, 1, 5.0)
    without_end = [each for each in events("data") if each["event"] != "fault-end"]
    seen = verdict(builder, plan("data", restores={"rpo_s": 4.0}), events=without_end)
    assert clause(seen, RESTORES_4_S)["outcome"] == "unknown"


@pytest.mark.parametrize(
    ("domain", "second", "outcome"),
    [("zone", 25, "unknown"), ("instance", 25, "broken"), ("zone", 1, "broken")],
)
def test_what_another_failure_may_have_lost_leaves_a_restore_unknown(
    domain: str, second: int, outcome: str
) -> None:
    builder = users()
    rolled_back(builder, 1, 5.0)
    other: Event = {"t": START + second * 1000 * MS, "wall": 0.0, "event": "fault-begin",
                    "fault": "f2", "name": "break", "domain": domain, "targets": []}  # fmt: skip
    made = plan("data", survives=["instance"], restores={"rpo_s": 4.0})
    seen = verdict(builder, made, events=events("data", also=[other]))
    found = clause(seen, RESTORES_4_S)
    assert found["outcome"] == outcome
    assert ("another failure" in found["evidence"]) == (outcome == "unknown")


@pytest.mark.parametrize(("last_use_s", "outcome"), [(5.0, "held"), (5.9, "broken")])
def test_uses_that_a_restore_takes_back_do_not_prolong_a_session(
    last_use_s: float, outcome: str
) -> None:
    """The restore point is at 6 s, and the session lives for 15 s."""
    builder = users()
    mine = {"session": 99, "ver": 1}
    builder.phase = Phase.BASELINE
    builder.write(1_000, SESSION, 1, server_session=2, **mine)
    builder.write(last_use_s * 1000, DRAFT, 2, server_session=2, **mine)
    builder.read(9_500, DRAFT, 2, server_session=2, **mine)
    builder.phase = Phase.RECOVERY
    refused = {"outcome": Outcome.FAILED, "status": 401, "server_session": SIGNED_OUT}
    builder.read(20_500, DRAFT, 0, session=99, **refused)
    builder.write(21_000, SESSION, 3, session=99, ver=2, server_session=3)
    builder.phase = Phase.AUDIT
    builder.read(31_010, DRAFT, 2, server_session=3, **mine)
    made = plan("data", restores={"rpo_s": 4.0}, session_ttl_s=15.0)
    assert clause(verdict(builder, made), RESTORES_4_S)["outcome"] == outcome


def restored_to(second: float) -> Event:
    """The service serves from its backup at 19 s."""
    point = START + int(second * 1000) * MS
    return {"t": START + 19_000 * MS, "wall": 0.0, "event": "restore", "service": "database",
            "began": START + 12_000 * MS, "point": point, "position": "0/1"}  # fmt: skip


@pytest.mark.parametrize(("point_s", "outcome"), [(6.5, "held"), (9.0, "broken")])
def test_what_is_younger_but_from_before_the_recorded_restore_point_must_be_back_too(
    point_s: float, outcome: str
) -> None:
    builder = users()
    rolled_back(builder, 1, 7.0)
    recorded = events("data", also=[restored_to(point_s)])
    seen = verdict(builder, plan("data", restores={"rpo_s": 4.0}), events=recorded)
    assert clause(seen, RESTORES_4_S)["outcome"] == outcome
    assert "so old or of before the restore point" in clause(seen, RESTORES_4_S)["evidence"]


def test_a_recorded_restore_point_tests_what_the_promised_age_does_not() -> None:
    recorded = events("data", also=[restored_to(9.0)])
    seen = verdict(users(), plan("data", restores={"rpo_s": 60.0}), events=recorded)
    assert seen["outcome"] == "held"


@pytest.mark.parametrize("is_restored", [True, False])
def test_what_was_gone_until_it_was_restored_breaks_no_guarantee(is_restored: bool) -> None:
    builder = users()
    for row in builder.rows:
        if START + 11_000 * MS <= row["call"] < START + 19_000 * MS and row["kind"] == Kind.READ:
            row["read_wid"], row["ver"] = 0, 0
    recorded = events("data", also=[restored_to(19.0)] if is_restored else [])
    made = plan("data", guarantees=GUARANTEES, restores={"rpo_s": 4.0})
    seen = verdict(builder, made, events=recorded)
    outcome = "held" if is_restored else "broken"
    assert clause(seen, "read your writes")["outcome"] == outcome
    assert clause(seen, "monotonic reads")["outcome"] == outcome
    assert seen["writes"]["lost"] == 0


@pytest.mark.parametrize(("shown", "outcome"), [(1, "unknown"), (0, "held")])
def test_what_was_neither_written_nor_gone_meanwhile_is_not_explained_by_a_restore(
    shown: int, outcome: str
) -> None:
    builder = users()
    builder.phase = Phase.BASELINE
    for number in (1, 2):
        builder.write(8_000 + number * 10, DRAFT, number, session=99, ver=number)
    builder.phase = Phase.RECOVERY
    builder.read(15_000, DRAFT, shown, session=99, ver=shown)
    builder.phase = Phase.AUDIT
    builder.read(31_010, DRAFT, 2, session=99, ver=2)
    recorded = events("data", also=[restored_to(9.0)])
    made = plan("data", guarantees=GUARANTEES, restores={"rpo_s": 4.0})
    seen = verdict(builder, made, events=recorded)
    assert clause(seen, "read your writes")["outcome"] == outcome


@pytest.mark.parametrize(("signed_out_s", "outcome"), [(7.0, "broken"), (9.5, "held")])
def test_a_sign_out_from_before_the_restore_point_is_not_undone_by_the_restore(
    signed_out_s: float, outcome: str
) -> None:
    """The restore point is at 9 s; at 25 s the old cookie is good again."""
    builder = users()
    mine = {"session": 99, "server_session": 2}
    builder.phase = Phase.BASELINE
    builder.write(5_000, SESSION, 1, ver=1, **mine)
    builder.write(signed_out_s * 1000, SESSION, 2, kind=Kind.SIGN_OUT, ver=2, **mine)
    builder.phase = Phase.RECOVERY
    builder.read(25_000, SESSION, 1, ver=1, **mine)
    recorded = events("data", also=[restored_to(9.0)])
    seen = verdict(builder, plan("data", restores={"rpo_s": 4.0}), events=recorded)
    assert seen["outcome"] == clause(seen, RESTORES_4_S)["outcome"] == outcome
    found = next(each for each in seen["findings"] if each["check"] == "resurrected-sessions")
    assert (found["violations"], found["after_loss"]) == ((1, 0) if outcome == "broken" else (0, 1))
    if outcome == "broken":
        assert clause(seen, RESTORES_4_S)["evidence"] == "1 sign-outs so old undone"


def test_of_two_writes_of_one_version_the_one_after_the_restore_point_is_the_lost_one() -> None:
    builder = users()
    mine = [each for each in builder.rows if each["session"] == 1]
    given_up = [each for each in mine if each["kind"] == Kind.PUT and each["phase"] == Phase.FAULT]
    given_up = [each for each in given_up if each["object"] == PREFERENCES]
    assert given_up
    given_up[0]["ver"] = 1  # the table was empty: versions begin anew
    recorded = events("data", also=[restored_to(9.0)])
    seen = verdict(builder, plan("data", restores={"rpo_s": 60.0}), events=recorded)
    assert seen["writes"]["lost"] == 1
    assert clause(seen, "restores what is older than 60 s")["outcome"] == "held"
