"""Drills whose load changes with time give verdicts: the plan is a function of time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from statedrill.errors import HELD
from tests.drill.conftest import SHORT
from tests.drill.test_drill import OWN_WORDS
from tests.support.processes import Child

pytestmark = pytest.mark.drill


def verdict_of(drilled: Child) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(drilled.out.read_text())
    return found


@pytest.mark.parametrize(
    ("profile", "experiment", "more"),
    [
        ("ramp", "none", ("--processes", "2")),
        ("diurnal", "instance-kill", ("--arrival-rate", "6/s", "-u", "120")),
    ],
)
def test_a_load_that_changes_with_time_is_judged_by_its_own_plan(
    command: Callable[..., Child], profile: str, experiment: str, more: tuple[str, ...]
) -> None:
    words = ("run", *OWN_WORDS, "--experiment", experiment, *SHORT, "--json")
    drilled = command(*words, "--profile", profile, *more)
    assert drilled.wait() == HELD, drilled.text()
    verdict = verdict_of(drilled)
    assert verdict["profile"] == profile
    assert verdict["footing"]["why"] == []


ENDS_EARLY = """
from statedrill.load import BreakpointProfile

class EndsEarly(BreakpointProfile):
    def tick(self):
        return None if self.elapsed_s() > 10 else super().tick()
"""


def test_a_profile_that_ends_by_itself_gives_a_verdict_and_its_result(
    command: Callable[..., Child], tmp_path: Path
) -> None:
    profile = tmp_path / "ends_early.py"
    profile.write_text(ENDS_EARLY)
    words = ("run", *OWN_WORDS, "--experiment", "none", *SHORT, "--json", "--run-time", "25s")
    drilled = command(*words, "--profile", str(profile))
    assert drilled.wait() == HELD, drilled.text()
    verdict = verdict_of(drilled)
    found = verdict["breakpoint"]
    assert found["unit"] == "users"
    assert (found["broke"], found["phase"]) == (None, None)
    held = found["held"]
    assert held is not None
    assert 0 < held < 45, "it ended before the last step"
    assert verdict["summary"].endswith(f"Breaking point: not reached, {held:.0f} users held.")
    assert "the profile has ended by itself in fault" in drilled.errors()
    assert verdict["availability"]["outage_s"] == 0.0
