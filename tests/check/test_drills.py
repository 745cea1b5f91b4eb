"""Whole drills: what is promised, what is known, what is said."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pyarrow as pa
import pytest

from statedrill.check import exit_code, judge, worst_exit_code
from statedrill.check.index.operations import session_slices
from statedrill.history.events import Event
from statedrill.history.store import to_part
from statedrill.vocabulary import GUARANTEES, Phase
from tests.check.drill_builder import END, FAULT, events, fail, forget, load, plan, users, verdict
from tests.check.history_builder import MS, PREFERENCES, START, Story, told


def clause(seen: dict[str, Any], text: str) -> dict[str, Any]:
    (found,) = [each for each in seen["promise"] if each["clause"] == text]
    return dict(found)


def test_a_kept_promise_is_held() -> None:
    seen = verdict(users(), plan("instance", survives=["instance"], guarantees=GUARANTEES))
    assert (seen["outcome"], exit_code(seen)) == ("held", 0)
    assert seen["why"] == ["All 7 promised clauses held."]
    assert seen["summary"] == (
        "sample lost none of 10 sessions and none of 150 acknowledged writes when one instance "
        "was killed."
    )


def test_a_broken_promise_is_broken_and_told_first() -> None:
    story = users()
    forget(story, 2)
    seen = verdict(story, plan("instance", survives=["instance"]))
    assert (seen["outcome"], exit_code(seen)) == ("broken", 99)
    lost = seen["writes"]["lost"]
    assert seen["why"][0] == (
        f"Broken: survives instance ({lost} of 150 acknowledged writes lost)."
    )
    assert seen["sessions"]["with_lost_writes"] == 2
    assert seen["summary"].endswith("when one instance was killed; it had promised to lose none.")


def test_a_loss_that_was_not_promised_against_breaks_nothing() -> None:
    story = users()
    forget(story, 2)
    seen = verdict(story, plan("instance", guarantees=GUARANTEES))
    assert seen["outcome"] == "held"
    assert clause(seen, "survives instance")["outcome"] == "broken"
    assert clause(seen, "survives instance")["promised"] is False
    assert clause(seen, "read your writes")["outcome"] == "held"
    assert seen["reads"]["after_loss"] == 2
    assert "its promise does not cover this" in seen["summary"]


def test_without_a_failure_nothing_may_be_lost_whatever_is_promised() -> None:
    story = users()
    forget(story, 1)
    seen = verdict(story, plan(None))
    assert clause(seen, "loses nothing without a failure")["promised"] is True
    assert seen["outcome"] == "broken"
    assert "without a failure" in seen["summary"]


def test_a_fault_that_is_not_proved_leaves_the_verdict_open() -> None:
    seen = verdict(users(), events=events(proved=False))
    assert (seen["outcome"], exit_code(seen)) == ("unknown", 3)
    assert any("nothing proves that the fault f1" in why for why in seen["why"])


def test_a_fault_that_never_happened_leaves_the_verdict_open() -> None:
    seen = verdict(users(), events=events(None))
    assert seen["outcome"] == "unknown"
    assert any("the fault never happened" in why for why in seen["why"])
    assert seen["summary"].endswith(
        "in a drill whose fault never happened, as far as is known; the verdict is open."
    )


def test_a_broken_promise_stays_broken_where_other_things_are_not_known() -> None:
    story = users()
    forget(story, 1)
    seen = verdict(story, plan("instance", survives=["instance"]), events=events(proved=False))
    assert seen["outcome"] == "broken"
    assert seen["why"][0].startswith("Broken: survives instance")
    assert any(why.startswith("Not known: nothing proves") for why in seen["why"])


def test_without_an_audit_nothing_is_said_to_be_kept() -> None:
    story = users()
    story.rows = [row for row in story.rows if row["phase"] != Phase.AUDIT]
    seen = verdict(story, plan("instance", survives=["instance"]))
    assert clause(seen, "survives instance")["outcome"] == "unknown"
    assert seen["outcome"] == "unknown"
    assert seen["writes"]["unaudited"] == 150


def test_an_object_that_the_audit_could_not_read_is_not_known() -> None:
    story = users()
    story.rows = [row for row in story.rows if row["phase"] != Phase.AUDIT or row["session"] != 3]
    seen = verdict(story, plan("instance", survives=["instance"]))
    assert seen["writes"]["unaudited"] > 0
    assert any("that the audit could not read" in why for why in seen["why"])


def test_a_lost_load_process_is_named_and_leaves_the_verdict_open() -> None:
    seen = verdict(users(), incomplete=(2,))
    assert seen["outcome"] == "unknown"
    assert any("load process 2 was lost" in why for why in seen["why"])


def test_a_lost_load_process_of_another_machine_is_named_with_it() -> None:
    seen = verdict(users(), incomplete=(2,), machines={1: "alpha", 2: "beta"})
    assert any("load process 2 on beta was lost" in why for why in seen["why"])


def test_a_load_process_that_fell_silent_leaves_the_verdict_open() -> None:
    silence = {"t": START + FAULT * MS, "event": "load-silent", "worker": 0, "phase": "recovery"}
    seen = verdict(users(), events=events(also=[silence]))
    assert seen["outcome"] == "unknown"
    assert any("load process 0 was silent in the phase recovery" in why for why in seen["why"])


@pytest.mark.parametrize(("error_ms", "outcome"), [(100.0, "held"), (100.1, "unknown")])
def test_a_machine_whose_clock_is_not_known_leaves_the_verdict_open(
    error_ms: float, outcome: str
) -> None:
    lines = [
        {**line, "clock_error_ms": each}
        for line, each in zip(load(), cycle((0.3, None, error_ms)), strict=False)
    ]
    seen = verdict(users(), load=lines, machines={0: "alpha"})
    assert seen["outcome"] == outcome
    why = f"the clock of load process 0 on alpha may be {error_ms:,.0f} ms off"
    assert any(why in each for each in seen["why"]) == (outcome == "unknown")


def test_ids_that_are_not_on_record_are_phantoms_only_where_the_record_is_whole() -> None:
    story = users()
    read = next(row for row in story.rows if row["kind"] == 0 and row["phase"] == Phase.FAULT)
    read["read_wid"] = 77
    assert verdict(story)["reads"]["phantom"] == 1
    seen = verdict(story, incomplete=(0,))
    assert (seen["reads"]["phantom"], seen["reads"]["unrecorded"]) == (0, 1)


@pytest.mark.parametrize("event", ["interrupted", "crash"])
def test_an_interrupted_drill_is_open(event: str) -> None:
    also = [{"t": START + END * MS, "event": event, "why": "by the user"}]
    seen = verdict(users(), events=events(also=also))
    assert seen["outcome"] == "unknown"
    assert any("by the user" in why for why in seen["why"])


def test_accepted_writes_need_a_drained_queue() -> None:
    story = users()
    for row in story.rows:
        if row["kind"] == 1:
            row |= {"outcome": 3, "status": 202, "ver": 2**32 - 1}
    seen = verdict(story, plan("instance", survives=["instance"]), events=events(drained=False))
    assert seen["outcome"] == "unknown"
    assert any("the queue was not seen empty" in why for why in seen["why"])
    seen = verdict(story, plan("instance", survives=["instance"]))
    assert seen["outcome"] == "held"
    assert seen["writes"]["accepted"] == seen["writes"]["acknowledged"] == 150


def test_accepted_writes_that_are_missing_are_lost_only_after_the_queue_was_drained() -> None:
    story = users()
    forget(story, 1)
    for row in story.rows:
        if row["kind"] == 1:
            row |= {"outcome": 3, "status": 202}
    made = plan("instance", survives=["instance"])
    open_queue = verdict(story, made, events=events(drained=False))
    assert (open_queue["writes"]["lost"], open_queue["writes"]["unsettled"]) == (0, 15)
    assert open_queue["outcome"] == "unknown"
    assert verdict(story, made)["writes"]["lost"] == 15


def test_reads_that_miss_an_accepted_write_are_stale_and_break_only_read_your_writes() -> None:
    story = Story()
    story.write(10, PREFERENCES, 1, outcome=3, status=202)
    story.read(20, PREFERENCES, 0, ver=0)
    story.read(40, PREFERENCES, 1, ver=1)
    story.phase = Phase.AUDIT
    story.read(31_000, PREFERENCES, 1, ver=1)
    story.rows += users(sessions=10).rows
    for number, row in enumerate(story.rows):
        row["session"] += 100 if number >= 4 else 0
    seen = verdict(story, plan(None, guarantees=GUARANTEES))
    assert (seen["reads"]["stale"], seen["reads"]["stale_accepted"]) == (1, 1)
    assert seen["reads"]["staleness_s"]["max"] == pytest.approx(0.008)
    assert clause(seen, "read your writes")["outcome"] == "broken"
    assert seen["guarantees"]["read_your_writes"]["violations"] == 0
    assert {row["violations"] for row in seen["findings"]} == {0}
    held = verdict(story, plan(None, guarantees=tuple(GUARANTEES)[1:]))
    assert (held["outcome"], held["reads"]["stale"]) == ("held", 1)
    assert "1 of 153 reads were stale" in held["summary"]


def test_a_guarantee_that_was_not_tested_is_unknown_and_matters_only_when_promised() -> None:
    story = users()
    story.rows = [row for row in story.rows if row["kind"] != 1]
    for row in story.rows:
        row.update({"read_wid": 0, "ver": 0} if row["kind"] == 0 else {})
    seen = verdict(story, plan(None, guarantees=["monotonic_writes"]))
    assert clause(seen, "monotonic writes") == {
        "clause": "monotonic writes", "promised": True, "outcome": "unknown",
        "evidence": "not tested: there was no opportunity",
    }  # fmt: skip
    assert seen["outcome"] == "unknown"


def test_the_worst_of_several_drills_gives_the_exit_code() -> None:
    outcomes = [{"outcome": outcome} for outcome in ("held", "unknown", "broken")]
    assert [worst_exit_code(outcomes[:count]) for count in (1, 2, 3)] == [0, 3, 99]
    assert worst_exit_code([]) == 3


def whole_and_in_parts() -> tuple[dict[str, Any], dict[str, Any]]:
    """The verdict on a history in one part, and in two."""
    story = users()
    forget(story, 2)
    fail(story, 10_000, 11_500, sessions=4)
    table = story.table()
    sessions = table["session"].to_numpy()
    halves = [table.filter(pa.array(sessions % 2 == odd)) for odd in (1, 0)]
    one, two = (judge(told(tables, events(), load()), plan()) for tables in ([table], halves))
    return one, two


def test_many_parts_are_judged_as_one_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.cpu_count", lambda: 1)
    one, two = whole_and_in_parts()
    assert one == two


@pytest.mark.parametrize("most", [1, 50, 77, 10_000])
def test_the_slices_in_which_a_part_is_judged_do_not_matter(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = users()
    forget(story, 2)
    fail(story, 10_000, 11_500, sessions=4)
    whole = verdict(story)
    monkeypatch.setattr("statedrill.check.partition._ROWS_OF_A_SLICE", most)
    assert verdict(story) == whole


@pytest.mark.parametrize("most", [1, 6, 7, 8, 12, 13, 100])
def test_slices_hold_whole_sessions(most: int) -> None:
    story = Story()
    for session, rows in ((5, 3), (2, 3), (9, 7), (4, 1)):
        for number in range(rows):
            story.read(session + 10 * number, PREFERENCES, 0, session=session)
    part = to_part(story.table())
    cut = [part["session"][rows].tolist() for rows in session_slices(part, most)]
    assert [session for each in cut for session in each] == [2] * 3 + [4] + [5] * 3 + [9] * 7
    assert sum(len(set(each)) for each in cut) == 4
    assert all(len(each) <= most or len(set(each)) == 1 for each in cut)


@pytest.mark.cluster
def test_many_parts_are_judged_by_several_processes() -> None:
    one, two = whole_and_in_parts()
    assert one == two


def test_times_are_told_from_the_first_event_on() -> None:
    seen = verdict(users())
    assert [(each["phase"], each["begin_s"]) for each in seen["phases"]][:3] == [
        ("baseline", 0.0), ("fault", 10.0), ("recovery", 20.0),
    ]  # fmt: skip
    (fault,) = seen["faults"]
    assert (fault["begin_s"], fault["end_s"], fault["proved"]) == (10.0, 20.0, True)
    series = seen["series"]
    assert series["bin_s"] == 0.5
    assert {len(series[key]) for key in series if key != "bin_s"} == {65}
    assert sum(series["ok"]) == seen["latency_ms"]["baseline"]["n"] + 100 + 100 + 10


def died(name: str, role: str, at: int = 5_000) -> Event:
    return {"t": START + at * MS, "event": "process", "name": name, "role": role, "zone": "b",
            "state": "dead", "why": "was ended by SIGKILL"}  # fmt: skip


def test_losses_while_a_part_died_by_itself_are_not_held_against_the_pattern() -> None:
    story = users()
    forget(story, 2)
    seen = verdict(story, plan(survives=["instance"]), events=events(also=[died("aws", "aws")]))
    assert seen["outcome"] == "unknown"
    assert seen["writes"]["lost"] > 0
    assert seen["promise"][0]["outcome"] == "unknown"
    assert seen["why"][0] == (
        "Not known: aws was ended by SIGKILL at 5.0 s, which nobody had planned."
    )


def test_an_application_that_dies_by_itself_is_named_and_is_no_excuse() -> None:
    story = users()
    forget(story, 2)
    dead = died("instance-i-9", "instance")
    seen = verdict(story, plan(survives=["instance"]), events=events(also=[dead]))
    assert seen["outcome"] == "broken"
    assert seen["why"][-1].startswith("Also: instance-i-9 was ended by SIGKILL at 5.0 s")


def test_the_targets_of_a_fault_and_the_drill_s_own_children_die_as_planned() -> None:
    planned = [
        died("instance-i-00000001", "instance", 10_001),
        died("chaos", "experiment", 20_000),
        died("database-1", "database", 33_000),
    ]
    seen = verdict(users(), plan(survives=["instance"]), events=events(also=planned))
    assert (seen["outcome"], seen["deaths"]) == ("held", [])


def test_an_experiment_that_failed_says_why() -> None:
    failed = {"t": START + 20_000 * MS, "event": "experiment", "failed": ["lose it: no zone 'd'"]}
    seen = verdict(users(), plan(None), events=events(None, also=[failed]))
    assert seen["outcome"] == "unknown"
    assert "Not known: the experiment failed: lose it: no zone 'd'." in seen["why"]
