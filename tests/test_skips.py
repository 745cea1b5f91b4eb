"""A test run that could not check against outside evidence says so."""

from __future__ import annotations

from tests.support.skips import NO_RECORDED_HISTORIES, not_checked


def test_the_summary_counts_what_was_skipped_for_want_of_recorded_histories() -> None:
    line = not_checked([f"{NO_RECORDED_HISTORIES} at /nowhere", "no browser"] * 3)
    assert line is not None
    assert line.startswith("NOT CHECKED: 3 tests against histories")


def test_the_summary_says_nothing_when_all_were_run() -> None:
    assert not_checked(["no browser"]) is None
