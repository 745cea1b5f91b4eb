"""How a history is cut into partitions, and a partition into slices, does not matter."""

from __future__ import annotations

import os
import signal
from typing import Any

import pyarrow as pa
import pytest

from statedrill.check import judge
from statedrill.check.check_history import _in_processes
from statedrill.errors import StatedrillError
from tests.check.drill_builder import events, fail, forget, load, plan, users, verdict
from tests.check.history_builder import in_memory_history


def whole_and_in_parts() -> tuple[dict[str, Any], dict[str, Any]]:
    """The verdict on a history in one part, and in two."""
    builder = users()
    forget(builder, 2)
    fail(builder, 10_000, 11_500, sessions=4)
    table = builder.table()
    sessions = table["session"].to_numpy()
    halves = [table.filter(pa.array(sessions % 2 == odd)) for odd in (1, 0)]
    one, two = (
        judge(in_memory_history(tables, events(), load()), plan()) for tables in ([table], halves)
    )
    return one, two


def test_many_parts_are_judged_as_one_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.cpu_count", lambda: 1)
    one, two = whole_and_in_parts()
    assert one == two


@pytest.mark.cluster
def test_many_parts_are_judged_by_several_processes() -> None:
    one, two = whole_and_in_parts()
    assert one == two


def be_killed(part: int) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.cluster
def test_a_process_that_was_killed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.cpu_count", lambda: 2)
    with pytest.raises(StatedrillError, match="a part of the history was killed"):
        list(_in_processes(be_killed, 2))


@pytest.mark.parametrize("most", [1, 50, 77, 10_000])
def test_the_slices_in_which_a_part_is_judged_do_not_matter(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = users()
    forget(builder, 2)
    fail(builder, 10_000, 11_500, sessions=4)
    whole = verdict(builder)
    monkeypatch.setattr("statedrill.check.partition._ROWS_OF_A_SLICE", most)
    assert verdict(builder) == whole


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
