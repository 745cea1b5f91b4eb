"""The time axis: how long it is, what is named on it, and where the load ends."""

from __future__ import annotations

from statedrill.report.figures.axis import Span, axis_of, lanes, load_axis, time_axis
from tests.report.runs import sample_verdict, stored


def test_the_axis_reaches_to_whatever_ends_last() -> None:
    assert time_axis([], [], 0.0).end_s == 1.0
    assert time_axis([Span("fault", 2.0, 9.0)], [Span("flush", 3.0, None)], 5.0).end_s == 9.0
    assert time_axis([], [Span("flush", 11.0, None)], 5.0).end_s == 11.0


def test_the_load_ends_where_settling_begins() -> None:
    phases = [Span("fault", 2.0, 9.0), Span("settle", 9.0, 10.0), Span("second_audit", 12.0, 13.0)]
    axis = time_axis(phases, [], 20.0)
    assert [span.name for span in axis.phases] == ["fault", "settle", "second audit"]
    assert load_axis(axis).end_s == axis.load_end_s == 9.0


def test_a_fault_without_an_end_lasts_as_long_as_the_axis() -> None:
    fault = Span("flush", 3.0, None)
    axis = time_axis([], [fault], 20.0)
    assert axis.end_of(fault) == 20.0
    assert (lanes(axis), lanes(time_axis([Span("fault", 0.0, 1.0)], [fault], 20.0))) == (1, 2)


def test_the_axis_of_a_verdict_has_its_phases_and_faults() -> None:
    verdict = sample_verdict()
    axis = axis_of(stored("sticky", "instance-kill"), 5.0)
    assert [(span.begin_s, span.end_s) for span in axis.faults] == [
        (each["begin_s"], each["end_s"]) for each in verdict["faults"]
    ]
    assert [span.name for span in axis.phases] == [
        each["phase"].replace("_", " ") for each in verdict["phases"]
    ]


def test_a_restore_has_a_lane_of_what_was_given_up_and_backups_alone_have_none() -> None:
    saved = {"service": "database", "what": "log", "position": "0/1", "begin_s": 2.0, "end_s": 2.0}
    restored = {"service": "database", "point_s": 3.0, "position": "0/1", "ordered_s": 5.0,
                "restored_s": 9.0}  # fmt: skip
    plain = axis_of(stored("sticky", "instance-kill"), 20.0)
    with_backup = axis_of(stored("sticky", "instance-kill", backups=[saved]), 20.0)
    with_both = axis_of(
        stored("sticky", "instance-kill", backups=[saved], restores=[restored]), 20.0
    )
    assert with_backup == plain
    assert with_both.given_up == (Span("given up", 3.0, 9.0),)
    assert with_both.backups == (2.0,)
    assert lanes(with_both) == lanes(plain) + 1
