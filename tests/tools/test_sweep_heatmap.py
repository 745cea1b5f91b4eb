"""The README's heat map says what was lost, and on what it was measured."""

from __future__ import annotations

from pathlib import Path

from tests.report.runs import a_run
from tools.sweep_heatmap import BEGIN, END, README, heatmap, write_heatmap


def test_a_row_for_each_experiment_and_a_column_for_each_pattern() -> None:
    runs = [a_run(pattern, experiment) for experiment in ("none", "instance-kill")
            for pattern in ("sticky", "distributed")]  # fmt: skip
    lines = heatmap(runs, {("distributed", "bad-deploy"): "no backups"}, 3.2).splitlines()
    assert lines[0] == "|  | sticky | distributed |"
    assert lines[2:5] == [
        "| none | 🟩 0 | 🟩 0 |",
        "| instance-kill | 🟧 33 | 🟩 0 |",
        "| bad-deploy |  |  |",
    ]
    assert "measured on one machine (2 cores, delays `fast`)" in lines[-1].lower()
    assert "4 drills, together 3 minutes" in lines[-1]


def test_what_was_not_held_is_marked() -> None:
    broken = heatmap([a_run("sticky", "instance-kill", outcome="broken")], {}, 1.0)
    assert "| instance-kill | 🟧 33✗ |" in broken


def test_only_what_is_between_the_marks_is_replaced(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_heatmap([a_run("sticky", "none")], {}, 1.0, readme)
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}\n|  | sticky |")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text


def test_the_readme_has_both_marks() -> None:
    text = README.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert text.index(BEGIN) < text.index(END)
