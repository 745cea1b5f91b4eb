"""What follows from a loss is not held against a guarantee; what needs no loss to happen, is."""

from __future__ import annotations

from typing import Any

import pytest

from statedrill.vocabulary import GUARANTEES, Kind, Outcome, Phase
from tests.check.drill_builder import (
    AUDIT,
    BASELINE,
    FAULT,
    RECOVERY,
    SETTLE,
    events,
    load,
    plan,
    users,
    verdict,
)
from tests.check.history_builder import CART, DRAFT, MS, START, HistoryBuilder

PLAN = plan("instance", guarantees=GUARANTEES)


def clause(seen: dict[str, Any], text: str = "read your writes") -> dict[str, Any]:
    (found,) = [each for each in seen["promise"] if each["clause"] == text]
    return dict(found)


def finding(seen: dict[str, Any], check: str = "read-your-writes") -> dict[str, Any]:
    (found,) = [each for each in seen["findings"] if each["check"] == check]
    return dict(found)


def stale_read(
    at: float, versions: bool = True, audit: bool = True, lost: bool = False
) -> HistoryBuilder:
    """A drill in which session 99 wrote its draft twice, and at `at` reads the first draft again.

    Then the second draft is there again, and at the audit, unless it is `lost`.
    """
    builder = users()

    def ver(number: int) -> dict[str, Any]:
        return {"session": 99, "ver": number} if versions else {"session": 99}

    builder.phase = Phase.BASELINE
    builder.write(at - 300, DRAFT, 1, **ver(1))
    builder.write(at - 200, DRAFT, 2, **ver(2))
    builder.read(at, DRAFT, 1, **ver(1))
    if not lost:
        builder.read(at + 100, DRAFT, 2, **ver(2))
    if audit:
        builder.phase = Phase.AUDIT
        builder.read(AUDIT + 10, DRAFT, 1 if lost else 2, **ver(1 if lost else 2))
    return builder


DURING = (FAULT + RECOVERY) / 2


def test_a_stale_read_before_the_failure_is_held_against_the_guarantee() -> None:
    for audit, lost in ((True, False), (False, False), (True, True)):
        seen = verdict(stale_read(FAULT - 1000, audit=audit, lost=lost), PLAN)
        assert clause(seen)["outcome"] == "broken"
        assert (finding(seen)["violations"], finding(seen)["undecided"]) == (1, 0)


def test_a_stale_read_after_it_is_too_where_the_audit_shows_that_nothing_was_lost() -> None:
    seen = verdict(stale_read(DURING), PLAN)
    assert (seen["outcome"], clause(seen)["outcome"]) == ("broken", "broken")
    assert finding(seen)["witness"].startswith("session 99 had ")


def test_what_the_audit_shows_to_be_lost_is_counted_as_lost() -> None:
    seen = verdict(stale_read(DURING, lost=True), PLAN)
    assert (seen["outcome"], clause(seen)["outcome"]) == ("held", "held")
    assert (finding(seen)["violations"], finding(seen)["after_loss"]) == (0, 2)
    assert clause(seen, "survives instance")["outcome"] == "broken"


def test_without_an_audit_what_a_loss_explains_is_not_known() -> None:
    seen = verdict(stale_read(DURING, audit=False), PLAN)
    assert (seen["outcome"], clause(seen)["outcome"]) == ("unknown", "unknown")
    row = finding(seen)
    assert (row["outcome"], row["violations"], row["undecided"]) == ("unknown", 0, 1)
    assert "1 of 152 may follow from a loss that no audit decides" in clause(seen)["evidence"]


def test_the_same_without_a_failure_or_with_a_promised_one_is_broken() -> None:
    builder = stale_read(DURING, audit=False)
    promised = plan("instance", survives=["instance"], guarantees=GUARANTEES)
    none = plan(None, guarantees=GUARANTEES)
    assert clause(verdict(builder, promised))["outcome"] == "broken"
    assert clause(verdict(builder, none))["outcome"] == "broken"


def test_without_versions_an_audit_cannot_show_that_nothing_was_lost_in_between() -> None:
    seen = verdict(stale_read(DURING, versions=False), PLAN)
    assert clause(seen)["outcome"] == "unknown"
    assert finding(seen)["undecided"] == 1


def test_but_what_lies_after_the_failure_needs_no_loss() -> None:
    seen = verdict(stale_read(SETTLE - 1000, versions=False), PLAN)
    assert clause(seen)["outcome"] == "broken"
    open_end = [each for each in events() if each["event"] != "fault-end"]
    assert clause(verdict(stale_read(SETTLE - 1000, versions=False), PLAN, events=open_end))[
        "outcome"
    ] == "unknown"  # fmt: skip


def test_a_loss_of_what_was_never_acknowledged_breaks_nothing_either() -> None:
    builder = users()
    builder.phase = Phase.FAULT
    builder.write(FAULT - 500, DRAFT, 1, session=99, outcome=Outcome.UNKNOWN, status=0)
    builder.read(FAULT - 400, DRAFT, 1, session=99, ver=1)
    builder.read(DURING, DRAFT, 0, session=99, ver=0)
    builder.phase = Phase.AUDIT
    builder.read(AUDIT + 10, DRAFT, 0, session=99, ver=0)
    seen = verdict(builder, PLAN)
    assert clause(seen, "monotonic reads")["outcome"] == "unknown"
    assert finding(seen, "monotonic-reads")["undecided"] == 2


def test_a_read_under_way_when_the_failure_began_may_have_come_after_the_loss() -> None:
    for took, outcome in ((600, "unknown"), (100, "broken")):
        builder = stale_read(FAULT - 200, audit=False)
        read = next(
            row for row in builder.rows if row["session"] == 99 and row["kind"] == Kind.READ
        )
        read["ret"] = read["call"] + took * MS
        assert clause(verdict(builder, PLAN))["outcome"] == outcome


def test_a_part_of_the_cluster_that_dies_by_itself_may_take_state_with_it() -> None:
    died = {"t": START + FAULT * MS, "wall": 0.0, "event": "process", "name": "cache-1",
            "role": "cache", "zone": "a", "state": "dead", "pid": 7}  # fmt: skip
    promised = plan("instance", survives=["instance"], guarantees=GUARANTEES)
    builder = stale_read(DURING, audit=False)
    seen = verdict(builder, promised, events=events(also=[died]))
    assert (seen["outcome"], clause(seen)["outcome"]) == ("unknown", "unknown")
    own = died | {"role": "instance", "name": "instance-i-00000002"}
    assert clause(verdict(builder, promised, events=events(also=[own])))["outcome"] == "broken"


def test_an_accepted_write_that_is_missing_after_the_failure_is_undecided_too() -> None:
    builder = users()
    builder.phase = Phase.BASELINE
    accepted = {"session": 99, "outcome": Outcome.ACCEPTED, "status": 202}
    builder.write(DURING, DRAFT, 1, **accepted)
    builder.read(DURING + 100, DRAFT, 0, session=99, ver=0)
    seen = verdict(builder, PLAN)
    assert clause(seen)["outcome"] == "unknown"
    before = users()
    before.write(BASELINE + 10, DRAFT, 1, **accepted)
    before.read(BASELINE + 100, DRAFT, 0, session=99, ver=0)
    assert clause(verdict(before, PLAN))["outcome"] == "broken"


def removal_in_flight() -> HistoryBuilder:
    """Session 99 has three lanes; what its lane 1 sent last, a removal, is not on record."""
    builder = users()
    builder.phase = Phase.BASELINE
    builder.write(1000, CART, 1, session=99, ver=1)
    builder.read(1010, CART, 1, session=99, lane=1, ver=1, items=[1])
    builder.write(1020, CART, 3, session=99, lane=2, ver=3)
    builder.read(1030, CART, 3, session=99, ver=3, items=[3])
    return builder


def test_what_was_in_flight_when_a_load_process_was_killed_may_explain_what_others_saw() -> None:
    builder, none = removal_in_flight(), plan(None, guarantees=GUARANTEES)
    assert clause(verdict(builder, none))["outcome"] == "broken"
    assert clause(verdict(builder, none, incomplete=(0,)))["outcome"] == "unknown"


def test_a_late_write_may_hide_what_was_in_flight_when_a_load_process_was_killed() -> None:
    builder = users()
    builder.phase = Phase.BASELINE
    builder.write(1000, CART, 1, session=99, ver=1)
    builder.write(1010, CART, 2, session=99, outcome=Outcome.UNKNOWN, status=0)
    builder.phase = Phase.AUDIT
    builder.read(AUDIT + 10, CART, 2, session=99, ver=3, items=[2])
    made = plan(None, guarantees=GUARANTEES)
    whole, cut = verdict(builder, made), verdict(builder, made, incomplete=(0,))
    assert (whole["writes"]["lost"], cut["writes"]["lost"]) == (1, 0)
    assert cut["outcome"] == "unknown"


@pytest.mark.parametrize("last", ["baseline", "recovery", "audit"])
def test_a_record_that_ends_before_the_drill_leaves_it_open(last: str) -> None:
    marks = [each for each in events() if each["event"] == "phase"]
    (at,) = [each["t"] for each in marks if each["phase"] == last]
    seen = verdict(users(), events=[each for each in events() if each["t"] <= at])
    assert seen["outcome"] == "unknown"
    assert f"Not known: the record of the drill ends in the phase {last}." in seen["why"]


@pytest.mark.parametrize(
    "threshold", ["p(99){phase:recovery}<500", "count>100000", "p(50)<0.001"], ids=str
)
def test_a_threshold_on_the_traffic_of_half_a_drill_is_not_known(threshold: str) -> None:
    made = PLAN | {"thresholds": [threshold]}
    early = [each for each in events() if each["t"] < START + RECOVERY * MS]
    builder = users()
    builder.rows = [row for row in builder.rows if row["ret"] < START + RECOVERY * MS]
    seen = verdict(builder, made, events=early, incomplete=(0,), load=load()[:20])
    assert [each["outcome"] for each in seen["thresholds"]] == ["unknown"]
    assert seen["outcome"] == "unknown"
