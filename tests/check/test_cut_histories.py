"""A run that holds whole is never broken when its record ends early, however it ended.

What breaks in a part of a drill and not in the whole would be a false accusation: of a pattern by
the audit that a killed drill never had.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from statedrill.check import judge
from tests.check.cut_records import accusations, sample
from tests.check.lossy_store import lossy_drill, lossy_plan
from tests.check.simulator import FAIR, QUEUED, ROUGH, STRICT
from tests.support.runs import SAMPLES

RUNS = sorted(path.parent.name for path in SAMPLES.glob("*-*/plan.json"))
# what each of the samples kept, with room: half of a run may look worse than the whole
THRESHOLDS = (
    "p(99){phase:recovery}<5000", "rate{phase:fault}<0.6", "count{phase:recovery}>50",
    "count>1000", "lost<5000", "stale<5000",
)  # fmt: skip
WEATHERS = {
    "fair": replace(FAIR, lanes=3), "rough": replace(ROUGH, lanes=1), "rough lanes": ROUGH,
    "queued": QUEUED, "one session a user": STRICT,
}  # fmt: skip


def accused_samples(run: str, count: int, seed: int) -> list[str]:
    """What is held against a checked-in run only where its record is cut."""
    history, plan = sample(SAMPLES / run, *THRESHOLDS)
    assert judge(history, plan)["outcome"] == "held"
    return accusations(history, plan, count, seed)


def accused_drills(weather: str, count: int, seed: int) -> list[str]:
    """The same for a random drill in which state is lost."""
    kind = WEATHERS[weather]
    drill = lossy_drill(12, 100, seed, kind)
    return accusations(drill, lossy_plan(kind), count, seed)


@pytest.mark.parametrize("run", RUNS)
def test_a_sample_that_holds_is_not_broken_when_it_is_cut(run: str) -> None:
    assert accused_samples(run, count=4, seed=1) == []


@pytest.mark.parametrize("weather", WEATHERS)
def test_a_random_drill_is_not_accused_of_more_when_it_is_cut(weather: str) -> None:
    for seed in range(2):
        assert accused_drills(weather, count=4, seed=seed) == []


@pytest.mark.parametrize("weather", WEATHERS)
def test_a_loss_that_nobody_promised_against_breaks_no_guarantee(weather: str) -> None:
    kind = WEATHERS[weather]
    for seed in range(4):
        verdict = judge(lossy_drill(12, 100, seed, kind), lossy_plan(kind))
        clauses = {each["clause"]: each["outcome"] for each in verdict["promise"]}
        assert clauses["survives cache"] == "broken"
        assert [each for each in verdict["promise"] if each["promised"]] == [
            each for each in verdict["promise"] if each["promised"] and each["outcome"] != "broken"
        ]
        assert sum(each["after_loss"] for each in verdict["findings"]) > 0
