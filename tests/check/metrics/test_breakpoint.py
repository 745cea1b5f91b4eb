from __future__ import annotations

import pytest

from statedrill.history.events import Event
from tests.check.drill_builder import FAULT, SETTLE, events, plan, users, verdict
from tests.check.history_builder import MS, START


def found(broke: float | None, why: str = "") -> Event:
    return {
        "t": START + (SETTLE + 1) * MS, "wall": 0.0, "event": "breakpoint", "held": 210.0,
        "broke": broke, "unit": "users", "why": why,
    }  # fmt: skip


def ended(phase: str) -> Event:
    return {"t": START + (FAULT + 1000) * MS, "wall": 0.0, "event": "load-ended", "phase": phase}


def test_a_drill_without_a_search_has_no_breaking_point() -> None:
    assert "breakpoint" not in verdict(users())


def test_the_breaking_point_is_in_the_verdict_and_its_summary() -> None:
    more = [ended("fault"), found(245.0, "p99 was 612 ms")]
    seen = verdict(users(), plan(None), events=events(None, also=more))
    assert seen["breakpoint"] == {
        "held": 210.0, "broke": 245.0, "unit": "users", "why": "p99 was 612 ms", "phase": "fault",
    }  # fmt: skip
    assert seen["summary"].endswith(
        "Breaking point: 210 users held, 245 broke in the phase fault: p99 was 612 ms."
    )


@pytest.mark.parametrize("more", [[], [ended("recovery")]])
def test_a_load_that_nothing_broke_has_no_phase_in_which_it_broke(more: list[Event]) -> None:
    seen = verdict(users(), plan(None), events=events(None, also=[*more, found(None)]))
    assert (seen["breakpoint"]["broke"], seen["breakpoint"]["phase"]) == (None, None)
    assert seen["summary"].endswith("Breaking point: not reached, 210 users held.")
