"""Damaged input files: never a traceback, always a plan or one clear message with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.damaged_inputs import INPUTS, plan_with_damaged_inputs


@pytest.mark.parametrize("kind", INPUTS)
def test_a_damaged_file_makes_a_plan_or_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    refused = plan_with_damaged_inputs(kind, tmp_path, count=100)
    assert refused > 10
