"""What was kept: counts beside what they are counted of, and intervals only where they fit."""

from __future__ import annotations

import pytest

from statedrill.report.older_files import completed_verdict
from statedrill.report.state_figures import kept_table, tiles
from tests.report.reading import row_of
from tests.report.runs import sample_verdict, stored


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
