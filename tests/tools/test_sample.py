"""The sample report that is checked in is what its own history gives."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from statedrill.run_folder import VERDICT_FILE
from tools.sample import SAMPLE, rebuild

RUNS = sorted(path.parent.name for path in SAMPLE.glob("*/plan.json"))


def test_there_is_a_sample_of_each_pattern() -> None:
    assert {name.partition("-")[0] for name in RUNS} == {"sticky", "distributed", "decoupled"}


def test_the_sample_s_verdicts_follow_from_its_history(tmp_path: Path) -> None:
    copy = tmp_path / "sample"
    shutil.copytree(SAMPLE, copy)
    rebuild(copy)
    for name in RUNS:
        kept, made = (
            json.loads((folder / name / VERDICT_FILE).read_text()) for folder in (SAMPLE, copy)
        )
        assert made == kept, name


def test_the_sample_carries_no_path_of_a_real_machine() -> None:
    for path in SAMPLE.rglob("*"):
        if path.suffix in (".json", ".html", ".md", ".jsonl", ".xml"):
            found = re.findall(r"/(?:home|root|work|tmp|Users)/[^\s\"'<]*", path.read_text())
            assert not found, f"{path.name}: {found[:3]}"
