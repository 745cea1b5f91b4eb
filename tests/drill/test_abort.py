"""A threshold with `abortOnFail` is seen to break while the load goes on, and not before."""

from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.drill.abort import Aborted, AbortMonitor
from statedrill.errors import InputError
from statedrill.history.operation import Operation
from statedrill.history.recorder import Recorder
from statedrill.inputs.thresholds import parse_threshold
from statedrill.vocabulary import Kind, Model, Outcome

MS = 1_000_000


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def record(recorder: Recorder, at_ms: int, took_ms: int, outcome: Outcome = Outcome.OK) -> None:
    cart, look = recorder.code("object", "cart", Model.SET), recorder.code("op", "view-cart")
    call = at_ms * MS
    recorder.record(Operation(call, call + took_ms * MS, 1, 0, cart, look, Kind.READ, outcome))
    recorder.flush()


def broken(monitor: AbortMonitor, phase: str) -> tuple[str, float]:
    """The threshold that does not hold any more, and its value."""
    with pytest.raises(Aborted) as raised:
        monitor.look(phase)
    return raised.value.threshold, raised.value.value


def test_a_percentile_breaks_when_the_slow_ones_come(tmp_path: Path) -> None:
    monitor = AbortMonitor(["p(90){op:view-cart}<50 abortOnFail"], tmp_path, Clock())
    with Recorder(tmp_path, "r1") as recorder:
        for at in range(10):
            record(recorder, at, took_ms=5)
        monitor.look("baseline")
        for at in range(10, 13):
            record(recorder, at, took_ms=80)
        assert broken(monitor, "baseline") == ("p(90){op:view-cart}<50 abortOnFail", 80.0)


def test_only_operations_with_the_tags_count(tmp_path: Path) -> None:
    monitor = AbortMonitor(["rate{phase:fault}<0.5 abortOnFail"], tmp_path, Clock())
    with Recorder(tmp_path, "r1") as recorder:
        record(recorder, 1, 1, Outcome.UNKNOWN)
        monitor.look("baseline")
        record(recorder, 2, 1, Outcome.UNKNOWN)
        assert broken(monitor, "fault") == ("rate{phase:fault}<0.5 abortOnFail", 1.0)


def test_a_window_is_judged_once_there_is_a_whole_one(tmp_path: Path) -> None:
    monitor = AbortMonitor(["max<50 for 2s abortOnFail"], tmp_path, Clock())
    with Recorder(tmp_path, "r1") as recorder:
        record(recorder, 0, 90)
        record(recorder, 1000, 5)
        monitor.look("baseline")
        record(recorder, 2500, 5)
        monitor.look("baseline")  # the slow one has left the window
        record(recorder, 2600, 70)
        assert broken(monitor, "baseline") == ("max<50 for 2s abortOnFail", 70.0)


def test_operations_of_several_load_processes_leave_the_window_by_their_time(
    tmp_path: Path,
) -> None:
    monitor = AbortMonitor(["max<50 for 2s abortOnFail"], tmp_path, Clock())
    with Recorder(tmp_path, "r1", 0) as one, Recorder(tmp_path, "r1", 1) as two:
        for recorder, other in ((one, two), (two, one)):
            record(recorder, 0, took_ms=5)
            record(other, 500, took_ms=90)
        record(one, 3000, took_ms=5)
        record(two, 3000, took_ms=5)
        monitor.look("baseline")  # the slow ones are older than two seconds
        record(one, 2500, took_ms=80)
        assert broken(monitor, "baseline") == ("max<50 for 2s abortOnFail", 80.0)


def test_thresholds_that_do_not_abort_are_left_to_the_judge(tmp_path: Path) -> None:
    monitor = AbortMonitor(["max<1"], tmp_path, Clock())
    with Recorder(tmp_path, "r1") as recorder:
        record(recorder, 0, 90)
        monitor.look("baseline")


@pytest.mark.parametrize("text", ["lost==0 abortOnFail", "count>5 abortOnFail"])
def test_what_is_known_at_the_end_only_cannot_abort(text: str) -> None:
    with pytest.raises(InputError, match="known at the end only"):
        parse_threshold(text)


def test_the_word_comes_last() -> None:
    assert parse_threshold("p(99)<5 for 10s abortOnFail").abort
    assert not parse_threshold("p(99)<5 for 10s").abort
    with pytest.raises(InputError, match="may follow"):
        parse_threshold("p(99)<5 abortOnFail for 10s")
