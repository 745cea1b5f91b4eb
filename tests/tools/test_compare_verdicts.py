"""The comparison of two sets of verdicts names every difference, and counts what is identical."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.compare_verdicts import differences, main


def verdict(outcome: str, *findings: int) -> dict[str, Any]:
    return {"outcome": outcome, "findings": [{"violations": count} for count in findings]}


def test_identical_sets_are_one_line() -> None:
    runs = {"a": verdict("held", 0), "b": verdict("broken", 3)}
    assert differences(runs, runs) == ["2 verdicts (1 broken, 1 held): 2 identical"]


def test_each_difference_is_named_with_its_key() -> None:
    before = {"a": verdict("held", 0), "b": verdict("broken", 3, 1)}
    after = {"a": verdict("held", 0), "b": verdict("unknown", 3, 0)}
    first, *others = differences(before, after)
    assert first == "2 verdicts (1 held, 1 unknown): 1 identical"
    assert others == ["b: findings[1].violations: 1 -> 0", 'b: outcome: "broken" -> "unknown"']


def test_a_verdict_that_is_missing_on_one_side_is_named() -> None:
    assert differences({"a": verdict("held")}, {})[1] == "a: only before"


def test_the_exit_code_says_whether_anything_differs(tmp_path: Path) -> None:
    for name, outcome in (("before", "held"), ("same", "held"), ("after", "broken")):
        row = {"history": "a", "verdict": verdict(outcome)}
        (tmp_path / name).write_text(json.dumps(row) + "\n")
    before, same, after = (str(tmp_path / name) for name in ("before", "same", "after"))
    assert main(["compare", before, same]) == 0
    assert main(["compare", before, after]) == 1
