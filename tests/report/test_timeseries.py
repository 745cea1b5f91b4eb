"""The series of a run: what a chart is drawn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from statedrill.report.run.outputs import write_report
from statedrill.report.run_data import load_run
from statedrill.report.timeseries import series_of
from tests.report.runs import sample_verdict, write_run


def series(bins: int) -> dict[str, Any]:
    return {"bin_s": 0.5, "t_s": [number / 2 for number in range(bins)], "ok": [10] * bins,
            "failed": [0] * bins, "p50_ms": [3.0] * bins,
            "p99_ms": [9.0] * (bins - 1) + [77.0], "lost_writes": [1] * bins,
            "lost_sessions": [0] * bins, "stale": [0] * bins}  # fmt: skip


def test_a_long_run_is_drawn_from_fewer_and_wider_bins_that_lose_nothing(tmp_path: Path) -> None:
    bins = 7200
    folder = write_run(tmp_path / "run", series=series(bins))
    frame = series_of(load_run(folder))
    assert len(frame) == 400
    assert frame.attrs["bin_s"] == 9.0
    assert frame["lost_writes"].sum() == bins
    assert frame["ok"].iloc[0] == 20.0
    assert frame["p99_ms"].max() == 77.0
    assert write_report(folder).stat().st_size < 600_000


def test_a_series_that_ends_early_is_not_known_from_there_on(tmp_path: Path) -> None:
    short = series(8) | {"stale": [2, 3], "p50_ms": [None] * 8}
    frame = series_of(load_run(write_run(tmp_path / "run", series=short)))
    assert frame["stale"].tolist()[:2] == [2, 3]
    assert frame["stale"].isna().sum() == 6
    assert frame["p50_ms"].isna().all()


def test_rates_are_per_second_and_add_up_to_what_was_counted(tmp_path: Path) -> None:
    counted = sample_verdict()["series"]
    frame = series_of(load_run(write_run(tmp_path / "run")))
    assert len(frame) == len(counted["t_s"]) < 400
    assert (frame["ok"] * counted["bin_s"]).sum() == sum(counted["ok"])
    assert frame["lost_sessions"].sum() == sum(counted["lost_sessions"]) > 0
