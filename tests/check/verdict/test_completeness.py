"""A record that may lack something leaves the verdict open, and says what it lacks."""

from __future__ import annotations

from itertools import cycle

import pytest

from statedrill.vocabulary import Phase
from tests.check.drill_builder import END, FAULT, events, load, users, verdict
from tests.check.history_builder import MS, START


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
    builder = users()
    read = next(row for row in builder.rows if row["kind"] == 0 and row["phase"] == Phase.FAULT)
    read["read_wid"] = 77
    assert verdict(builder)["reads"]["phantom"] == 1
    seen = verdict(builder, incomplete=(0,))
    assert (seen["reads"]["phantom"], seen["reads"]["unrecorded"]) == (0, 1)


@pytest.mark.parametrize("event", ["interrupted", "crash"])
def test_an_interrupted_drill_is_open(event: str) -> None:
    also = [{"t": START + END * MS, "event": event, "why": "by the user"}]
    seen = verdict(users(), events=events(also=also))
    assert seen["outcome"] == "unknown"
    assert any("by the user" in why for why in seen["why"])
