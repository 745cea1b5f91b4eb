"""What was kept: counts beside what they are counted of, and intervals only where they fit."""

from __future__ import annotations

from typing import Any

import pytest

from statedrill.report.older_files import completed_verdict
from statedrill.report.state_figures import kept_table, recovery_table, tiles
from statedrill.report.table import Table
from tests.report.runs import sample_verdict, stored


def row_of(table: Table, title: str) -> list[str]:
    return next([cell.text for cell in row[1:]] for row in table.rows if row[0].text == title)


def meaning(title: str, **changes: Any) -> str:
    return row_of(recovery_table(stored("sticky", "none", **changes)), title)[1]


@pytest.mark.parametrize(("stale", "shown"), [(4, "1.2 % to 7.9 %"), (9, "—")])
def test_an_interval_stands_only_beside_the_count_it_was_made_from(stale: int, shown: str) -> None:
    verdict = sample_verdict()
    found = next(each for each in verdict["findings"] if each["check"] == "stale-reads")
    found |= {"opportunities": 100, "violations": 4, "interval": [0.0123, 0.0789]}
    reads = verdict["reads"] | {"total": 100, "stale": stale}
    table = kept_table(stored(reads=reads, findings=verdict["findings"]))
    assert row_of(table, "reads stale") == [str(stale), "100", f"{stale}.0 %", shown]


def test_nothing_seen_in_n_chances_is_below_three_of_n() -> None:
    sessions = sample_verdict()["sessions"] | {"total": 300, "lost": 0}
    table = kept_table(stored(sessions=sessions))
    assert row_of(table, "sessions lost") == ["0", "300", "0 %", "below 1.0 %"]


def test_nothing_out_of_nothing_is_not_tested() -> None:
    verdict = stored(sessions=sample_verdict()["sessions"] | {"total": 0, "lost": 0})
    [tile] = [each for each in tiles(verdict) if each.title == "sessions lost"]
    assert (tile.figure, tile.note) == ("—", "not tested")
    assert row_of(kept_table(verdict), "sessions lost")[:3] == ["0", "0", "not tested"]


def test_what_an_older_file_does_not_count_is_not_known() -> None:
    verdict = completed_verdict(sample_verdict() | {"sessions": {}, "writes": {}})
    [tile] = [each for each in tiles(verdict) if each.title == "sessions lost"]
    assert (tile.figure, tile.note) == ("—", "not known")
    assert row_of(kept_table(verdict), "acknowledged writes lost") == ["—"] * 4


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


def test_every_lost_write_and_session_of_the_verdict_is_in_the_table() -> None:
    for pattern, experiment in (("sticky", "zone-outage"), ("distributed", "cache-flush")):
        verdict = sample_verdict(pattern, experiment)
        table = kept_table(stored(pattern, experiment))
        writes, sessions = verdict["writes"], verdict["sessions"]
        assert sessions["lost"] > 0
        assert row_of(table, "sessions lost")[:2] == [
            f"{sessions['lost']:,}", f"{sessions['total']:,}"]  # fmt: skip
        assert row_of(table, "acknowledged writes lost")[:2] == [
            f"{writes['lost']:,}", f"{writes['acknowledged']:,}"]  # fmt: skip


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
