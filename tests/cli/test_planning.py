"""A comparison leaves out the cells whose pattern has nothing to break, and names them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from statedrill.cli import verbs
from statedrill.cli.planning import plans_of
from statedrill.errors import BAD_INPUT, UNKNOWN, InputError
from statedrill.inputs.options import Options
from tests.support.commands import call

TINY = str(Path(__file__).parent.parent / "cluster" / "tiny.yaml")
WHY = "flush: nothing to break: pattern tiny has no cache"


def cells(*experiments: str) -> list[Options]:
    return [Options(pattern=TINY, experiment=each) for each in experiments]


def test_a_cell_with_nothing_to_break_is_apart_with_its_reason() -> None:
    plans, impossible = plans_of(cells("none", "cache-flush", "instance-kill"))
    assert [plan.title for plan in plans] == ["tiny-none", "tiny-instance-kill"]
    assert impossible == {("tiny", "cache-flush"): WHY}


def test_a_comparison_of_nothing_is_refused_with_every_reason() -> None:
    with pytest.raises(InputError) as caught:
        plans_of(cells("cache-flush"))
    assert caught.value.problems == (f"tiny under cache-flush: {WHY}",)


def test_a_wrong_input_is_no_impossible_cell() -> None:
    with pytest.raises(InputError, match="users: 0"):
        plans_of([*cells("none"), Options(pattern=TINY, experiment="cache-flush", users=0)])


def test_a_comparison_names_what_it_left_out_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "_drill", lambda *_: None)
    called = call("compare", "--patterns", TINY, "--experiments", "none,cache-flush",
                  "--reports", str(tmp_path), "--headless")  # fmt: skip
    assert called.code == UNKNOWN
    assert f"left out: tiny under cache-flush: {WHY}" in called.err
    [comparison] = tmp_path.glob("*-comparison/comparison.json")
    value = json.loads(comparison.read_text())
    assert value["left_out"] == [{"pattern": "tiny", "experiment": "cache-flush", "why": WHY}]
    assert [run["experiment"] for run in value["runs"]] == ["none"]
    for name in ("report.html", "summary.md"):
        assert WHY in (comparison.parent / name).read_text()


def test_a_comparison_of_impossible_cells_only_starts_nothing(tmp_path: Path) -> None:
    called = call("compare", "--patterns", TINY, "--experiments", "cache-flush",
                  "--reports", str(tmp_path))  # fmt: skip
    assert called.code == BAD_INPUT
    assert WHY in called.err
    assert list(tmp_path.iterdir()) == []
