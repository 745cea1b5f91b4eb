"""A plan holds every input, or all problems of all inputs are named and nothing starts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from statedrill.errors import InputError
from statedrill.inputs.options import Choices
from statedrill.plan.plan import Plan, make_plan
from statedrill.run_folder import read_plan


def plan(choices: Choices | None = None) -> Plan:
    return make_plan(choices or Choices(), "r1", "2026-01-01T00:00:00+00:00")


def test_the_defaults_make_a_plan_that_survives_its_own_file(tmp_path: Path) -> None:
    made = plan()
    made.write(tmp_path)
    content = read_plan(tmp_path)
    assert content == json.loads(json.dumps(made.as_dict(), default=str))
    assert content["pattern"]["name"] == "sticky"
    assert content["experiment"]["domain"] == "instance"
    assert content["load"]["planned_rate"] == 240.0
    assert content["timings"]["column"] == "fast"
    assert content["versions"]["locust"]


def test_every_problem_of_every_input_is_named_at_once() -> None:
    wrong = Choices(
        pattern="stiky",
        experiment="nothing",
        scenario="shoper",
        profile="stedy",
        users=0,
        pace_s=0,
        arrival_rate="fast",
        timings="slow",
        baseline_s=0,
        thresholds=("p(99)<",),
    )
    with pytest.raises(InputError) as caught:
        plan(wrong)
    told = str(caught.value)
    for part in (
        "no pattern named 'stiky'",
        "did you mean 'sticky'?",
        "no experiment named 'nothing'",
        "no scenario named 'shoper'",
        "no profile named 'stedy'",
        "users: 0",
        "pace: 0 s",
        "'fast' is not a rate",
        "no timings named 'slow'",
        "baseline: 0 s",
        "p(99)<",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("text", "rate"),
    [("50/s", 50.0), ("300/m", 5.0), ("7200/h poisson", 2.0), (".5/s uniform", 0.5)],
)
def test_arrival_rates_are_read_as_written(text: str, rate: float) -> None:
    load = plan(Choices(arrival_rate=text)).load
    assert load.arrival_rate == rate
    assert load.arrivals == ("poisson" if "poisson" in text else "uniform")
    assert load.planned_rate is None


def test_a_variable_for_the_application_reaches_its_pattern() -> None:
    made = plan(Choices(env=("BUGS=leak", "A=b=c")))
    assert made.pattern.application.env["BUGS"] == "leak"
    assert made.pattern.application.env["A"] == "b=c"
    with pytest.raises(InputError, match="not NAME=VALUE"):
        plan(Choices(env=("BUGS",)))


def test_the_same_choices_make_the_same_plan() -> None:
    assert plan(Choices(seed=3)) == plan(Choices(seed=3))
    assert plan(Choices(seed=3)) == replace(plan(Choices(seed=4)), seed=3)


def test_a_folder_without_a_plan_or_with_a_damaged_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run folder"):
        read_plan(tmp_path)
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        read_plan(tmp_path)
    (tmp_path / "plan.json").write_text('{"schema": 99}')
    with pytest.raises(InputError, match="not a plan of schema 1"):
        read_plan(tmp_path)
    (tmp_path / "plan.json").write_text('{"schema": 1, "load": {}, "phases": {}}')
    with pytest.raises(InputError, match="damaged: lacks pattern, experiment"):
        read_plan(tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("broken.py", b"a = 1\ndef visit(:\n    pass\n", "broken.py:2: no Python: "),
        ("noise.py", b"\x00\xff\x81", "noise.py: no Python: "),
        ("latin.py", b"name = '\xe9'\n", "latin.py"),
        ("visit.yaml", b"a: 1\n", "a {kind} is a Locust file and ends with .py"),
    ],
)
@pytest.mark.parametrize("kind", ["scenario", "profile"])
def test_a_file_that_locust_cannot_read_is_named_before_anything_starts(
    kind: str, file: str, text: bytes, told: str, tmp_path: Path
) -> None:
    (tmp_path / file).write_bytes(text)
    with pytest.raises(InputError) as caught:
        plan(Choices(**{kind: str(tmp_path / file)}))  # type: ignore[arg-type]
    assert told.format(kind=kind) in str(caught.value)


def test_a_variable_without_a_name_is_named_beside_other_problems() -> None:
    with pytest.raises(InputError) as caught:
        plan(Choices(pattern="stiky", env=("1=2",)))
    assert "no pattern named 'stiky'" in str(caught.value)
    assert "--env '1=2': not NAME=VALUE" in str(caught.value)
