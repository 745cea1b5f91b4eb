"""How long until it worked again: each figure with what it means here."""

from __future__ import annotations

from typing import Any

from statedrill.report.recovery_figures import recovery_table
from tests.report.reading import row_of
from tests.report.runs import sample_verdict, stored


def meaning(title: str, **changes: Any) -> str:
    return row_of(recovery_table(stored("sticky", "none", **changes)), title)[1]


def test_what_was_never_served_was_not_uninterrupted() -> None:
    recovery = sample_verdict()["recovery"] | {"rto_availability_s": None}
    nothing = {"ratio": 0.0, "outage_s": 0.0, "degraded_s": 0.0}
    everything = nothing | {"ratio": 1.0}
    for availability, said in (
        (nothing, "nothing was ever served"),
        (everything, "service was never interrupted"),
    ):
        found = meaning("RTO, availability", availability=availability, recovery=recovery)
        assert found == said


def test_the_breaking_point_has_a_row_where_it_was_searched() -> None:
    found = {"held": 210.0, "broke": 245.0, "unit": "users", "why": "p99 was 612 ms"}
    shown = row_of(recovery_table(stored(breakpoint=found | {"phase": "fault"})), "breaking point")
    assert shown == [
        "210 users",
        "the last load that held; 245 broke in the phase fault: p99 was 612 ms",
    ]
    nothing = {"held": 300.0, "broke": None, "unit": "users", "why": "", "phase": None}
    shown = row_of(recovery_table(stored(breakpoint=nothing)), "breaking point")
    assert shown == ["over 300 users", "not reached: the greatest load that held"]
    assert "breaking point" not in [row[0].text for row in recovery_table(stored()).rows]


def test_latency_that_is_not_compared_is_said() -> None:
    availability = sample_verdict()["availability"]
    table = recovery_table(stored(availability=availability | {"latency_not_comparable_s": 6.5}))
    assert row_of(table, "latency not compared")[0] == "6.5 s"
    names = [row[0].text for row in recovery_table(stored(availability=availability)).rows]
    assert "latency not compared" not in names


def test_a_restore_says_how_long_it_took_and_what_it_gave_up() -> None:
    restored = {"service": "database", "point_s": 3.0, "position": "0/14", "ordered_s": 5.0,
                "restored_s": 9.0}  # fmt: skip
    rows = recovery_table(stored(restores=[restored]))
    assert row_of(rows, "restore of the database")[0] == "4 s"
    given_up = row_of(rows, "given up")
    assert given_up[0] == "6 s"
    assert "the restore point at 3.0 s (0/14)" in given_up[1]
