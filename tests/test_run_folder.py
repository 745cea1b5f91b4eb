"""A run folder is made, and its plan is read whole or refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statedrill.errors import InputError
from statedrill.run_folder import open_folder, read_plan
from tests.support.damaged_inputs import check_with_damaged_plans
from tests.support.plans import plan_record

SAMPLE = Path(__file__).resolve().parent.parent / "reports" / "sample"
PLANS = sorted(SAMPLE.glob("*/plan.json"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "damaged: Expecting property name"),
        ("[" * 100_000, "damaged: maximum recursion depth exceeded"),
        (b"\x80", "damaged: 'utf-8' codec can't decode"),
        ("[]", "not a plan of schema 1"),
        ('{"schema": 99}', "not a plan of schema 1"),
        ('{"schema": 1, "load": {}}', "damaged: statedrill: missing"),
    ],
)
def test_a_file_that_is_no_plan_says_so(tmp_path: Path, content: str | bytes, told: str) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "plan.json").write_bytes(raw)
    with pytest.raises(InputError) as caught:
        read_plan(tmp_path)
    assert told in str(caught.value)


def test_run_folders_of_one_second_have_numbers(tmp_path: Path) -> None:
    folders = [open_folder(tmp_path / "new" / "reports", "a-b") for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(each.is_dir() for each in folders)


@pytest.mark.parametrize("name", ["file", "file/inside", "link"])
def test_where_no_folder_can_be_made_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    with pytest.raises(InputError, match="no run folder can be made here"):
        open_folder(tmp_path / name, "a-b")


def test_a_folder_without_a_plan_is_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run folder"):
        read_plan(tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pattern": {"promise": {"survives": 5}}}, "pattern.promise.survives: not a list"),
        ({"timings": {"queue_visibility_s": 1e300}}, "timings.queue_visibility_s: not a number"),
        ({"timings": {"queue_visibility_s": 1e10}}, "queue_visibility_s: 10000000000.0 is no pos"),
        ({"load": {"planned_rate": float("nan")}}, "load.planned_rate: not a number"),
        ({"seed": -1}, "seed: -1 is no possible value"),
        ({"seed": None}, "seed: not an integer"),
        ({"run": "\ud800"}, "run: not a text"),
        ({"thresholds": [None]}, "thresholds.0: not a text"),
    ],
)
def test_a_damaged_value_is_named(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(plan_record(changes)))
    with pytest.raises(InputError) as caught:
        read_plan(tmp_path)
    assert "plan.json: damaged" in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.parent.name)
def test_the_plans_of_older_versions_are_read(path: Path) -> None:
    assert read_plan(path.parent)["schema"] == 1


def test_a_run_with_a_damaged_plan_is_judged_or_refused_in_words(tmp_path: Path) -> None:
    assert check_with_damaged_plans(tmp_path, count=100) > 10
