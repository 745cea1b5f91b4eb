"""The sweep plays what is left, keeps what was played, and says what came out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from statedrill.errors import HELD, INTERRUPTED
from statedrill.report.text.markdown import MARKS
from statedrill.vocabulary import FAMILIES
from tests.report.runs import write_run
from tools import sweep
from tools.sweep import Sweep, every_experiment, every_pattern, main

TINY = str(Path(__file__).parent.parent / "cluster" / "tiny.yaml")


class Drills:
    """Stands for `statedrill run`: leaves a sample run in the folder, and ends with a code."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.code, self.outcome = folder, HELD, "held"
        self.asked: list[str] = []

    def __call__(self, words: Sequence[str]) -> int:
        given = dict(pairwise(words))
        pattern, experiment = (Path(given[each]).stem for each in ("--pattern", "--experiment"))
        self.asked.append(f"{pattern} {experiment}")
        name = f"{len(self.asked)}-{pattern}-{experiment}"
        sample = pattern if pattern in FAMILIES else "sticky"
        run = write_run(self.folder / name, sample, experiment, outcome=self.outcome)
        (run / "report.html").write_text("a report")
        return self.code


@pytest.fixture
def drills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drills:
    made = Drills(tmp_path)
    monkeypatch.setattr(sweep, "statedrill", made)
    return made


def play(folder: Path, *more: str) -> int:
    return main(["--folder", str(folder), "--patterns", "sticky,distributed",
                 "--experiments", "none,instance-kill", *more])  # fmt: skip


def test_every_cell_is_played_once_and_stands_in_the_table(tmp_path: Path, drills: Drills) -> None:
    assert play(tmp_path) == HELD
    assert drills.asked == ["sticky none", "distributed none",
                            "sticky instance-kill", "distributed instance-kill"]  # fmt: skip
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[4].startswith(f"| sticky | instance-kill | {MARKS['held']} | 80 of 240 |")
    assert "4 drills in" in lines[-1]
    assert (tmp_path / "comparison" / "report.html").exists()


def test_a_sweep_goes_on_where_it_was_stopped(tmp_path: Path, drills: Drills) -> None:
    play(tmp_path, "--at-most", "1")
    drills.code = INTERRUPTED
    assert play(tmp_path) == INTERRUPTED
    drills.code = HELD
    assert play(tmp_path, "--at-most", "1") == HELD
    assert drills.asked == ["sticky none", *["distributed none"] * 2]


def test_a_cell_is_played_again_by_its_verdict_and_the_table_says_so(
    tmp_path: Path, drills: Drills
) -> None:
    drills.outcome = "unknown"
    play(tmp_path, "--at-most", "1")
    drills.outcome = "held"
    play(tmp_path, "--at-most", "1", "--again", "unknown")
    assert drills.asked == ["sticky none"] * 2
    assert "held, drill 2" in (tmp_path / "table.md").read_text()
    assert list(Sweep(tmp_path).played) == [("sticky", "none")]


def test_what_cannot_be_played_is_named_and_not_played(tmp_path: Path, drills: Drills) -> None:
    main(["--folder", str(tmp_path), "--patterns", TINY, "--experiments", "cache-flush,none"])
    assert drills.asked == ["tiny none"]
    assert "left out: tiny under cache-flush: flush: nothing to break" in (
        (tmp_path / "table.md").read_text()
    )


def test_the_sweep_begins_without_a_failure() -> None:
    assert every_experiment()[0] == "none"
    assert {"instance-kill", "zone-outage"} <= set(every_experiment())


def test_the_sweep_has_every_pattern_by_its_family() -> None:
    patterns = every_pattern()
    assert patterns[0] == "sticky"
    assert patterns.index("distributed") < patterns.index("decoupled")


def test_drills_at_the_same_time_are_kept_in_the_order_of_the_plan(
    tmp_path: Path, drills: Drills
) -> None:
    assert play(tmp_path, "--at-once", "3") == HELD
    assert sorted(drills.asked) == ["distributed instance-kill", "distributed none",
                                    "sticky instance-kill", "sticky none"]  # fmt: skip
    assert list(Sweep(tmp_path).played.values()) != []
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:6]] == [
        ["| sticky", "none"], ["| distributed", "none"],
        ["| sticky", "instance-kill"], ["| distributed", "instance-kill"],
    ]  # fmt: skip


def test_a_part_of_a_sweep_leaves_the_heat_map_alone(
    tmp_path: Path, drills: Drills, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    monkeypatch.setattr(sweep, "write_heatmap", lambda runs, *rest: written.append(len(runs)))
    monkeypatch.setattr(sweep, "every_pattern", lambda: ["sticky", "distributed"])
    monkeypatch.setattr(sweep, "every_experiment", lambda: ["none", "instance-kill"])
    play(tmp_path)
    assert written == []
    assert main(["--folder", str(tmp_path)]) == HELD
    assert written == [4]
