"""The answer of a comparison: one to three sentences that say only what was counted."""

from __future__ import annotations

from dataclasses import replace

from statedrill.report.comparison.cells import cells_of
from statedrill.report.comparison.sentences import comparison_sentences
from statedrill.report.run_data import Run
from tests.report.runs import a_run, renamed, sample_verdict
from tools.sample import ORDER


def said(*runs: Run) -> list[str]:
    return comparison_sentences(list(cells_of(runs).values()))


def test_the_answer_says_that_nothing_was_lost() -> None:
    lost, stale, promises = said(a_run("sticky", "none"), a_run("distributed", "none"))
    assert lost == "sticky and distributed lost no session and no acknowledged write."
    assert stale == "No read was stale, nothing was doubled or leaked."
    assert promises == "All that was promised was kept."


def test_the_answer_says_in_how_many_experiments_nothing_was_lost() -> None:
    experiments = ("none", "instance-kill", "zone-outage")
    runs = [a_run("distributed", each) for each in experiments]
    assert said(*runs[:2])[0].endswith("no acknowledged write in either experiment.")
    assert said(*runs)[0].endswith("no acknowledged write in any of the three experiments.")


def test_the_answer_names_a_loss_without_any_failure() -> None:
    sessions = sample_verdict("sticky", "none")["sessions"] | {"lost": 3}
    lost = said(a_run("sticky", "none", sessions=sessions))[0]
    assert lost == "sticky lost 1.2 % of its sessions without any failure."


def test_the_answer_names_broken_and_unknown_outcomes() -> None:
    promises = said(
        a_run("sticky", "none", outcome="broken"), a_run("distributed", "none", outcome="unknown")
    )[-1]
    assert promises.startswith("What was promised was broken in sticky")
    assert "the outcome is unknown for distributed" in promises


def test_the_answer_never_says_that_an_untested_pattern_kept_anything() -> None:
    empty = sample_verdict("sticky", "none")["sessions"] | {"total": 0, "lost": 0}
    answered = " ".join(said(a_run("sticky", "none", sessions=empty)))
    assert "lost no session" not in answered
    assert "Nothing can be said about sticky" in answered


def test_the_answer_counts_leaks_and_doubles() -> None:
    writes = sample_verdict("sticky", "none")["writes"] | {"duplicated": 2}
    assert "2 doubled or leaked states" in said(a_run("sticky", "none", writes=writes))[1]


def test_of_many_losses_the_worst_is_named() -> None:
    runs = [
        replace(run, verdict={**run.verdict, "pattern": f"sticky-{number}"})
        for number in range(3)
        for run in (a_run("sticky", "instance-kill"), a_run("sticky", "zone-outage"))
    ]
    assert "at worst 66.7 % of its sessions" in said(*runs)[0]
    assert "at worst" not in said(*runs[:4])[0]


def test_the_answer_on_the_sample_says_what_each_pattern_lost() -> None:
    lost, stale, promises = said(*(a_run(*name.split("-", 1)) for name in ORDER))
    assert lost == (
        "sticky lost 33.3 % of its sessions and 13.9 % of its acknowledged writes under "
        "instance-kill and 66.7 % and 41.7 % under zone-outage; distributed lost all of its "
        "sessions and 45.2 % of its acknowledged writes under cache-flush; decoupled lost no "
        "session and no acknowledged write in any of the four experiments."
    )
    assert stale.startswith("decoupled showed stale reads under all four experiments")
    assert promises.startswith("All that was promised was kept; the losses above were not")


def test_many_patterns_are_counted_and_those_that_lost_nothing_are_named() -> None:
    runs = [
        renamed(a_run("sticky", each), f"sticky-{number}", each)
        for number in range(4)
        for each in ("none", "instance-kill")
    ]
    runs += [a_run("distributed", each) for each in ("none", "instance-kill")]
    assert said(*runs)[0] == (
        "distributed lost no session and no acknowledged write in either experiment; four of "
        "five patterns lost state, four of them under instance-kill."
    )
