"""A plan holds every input, or all problems of all inputs are named and nothing starts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from statedrill.errors import InputError
from statedrill.inputs.experiment import Experiment
from statedrill.inputs.options import Options
from statedrill.inputs.pattern import Pattern
from statedrill.plan.plan import Offer, Plan, make_plan
from statedrill.plan.record import PlanRecord
from statedrill.run_folder import read_plan


def plan(options: Options | None = None) -> Plan:
    return make_plan(options or Options(), "r1", "2026-01-01T00:00:00+00:00")


def test_the_defaults_make_a_plan_that_survives_its_own_file(tmp_path: Path) -> None:
    made = plan()
    made.write(tmp_path)
    content = read_plan(tmp_path)
    assert content == json.loads(json.dumps(made.record()))
    assert content["pattern"]["name"] == "sticky"
    assert content["experiment"]["domain"] == "instance"
    assert content["load"]["planned_rate"] == 240.0
    assert content["timings"]["column"] == "fast"
    assert content["versions"]["locust"]


def test_every_problem_of_every_input_is_named_at_once() -> None:
    wrong = Options(
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


def test_a_variable_for_the_application_reaches_its_pattern() -> None:
    made = plan(Options(env=("BUGS=leak", "A=b=c")))
    assert made.pattern.application.env["BUGS"] == "leak"
    assert made.pattern.application.env["A"] == "b=c"
    with pytest.raises(InputError, match="not NAME=VALUE"):
        plan(Options(env=("BUGS",)))


def test_the_same_choices_make_the_same_plan() -> None:
    assert plan(Options(seed=3)) == plan(Options(seed=3))
    assert plan(Options(seed=3)) == replace(plan(Options(seed=4)), seed=3)


def test_a_plan_says_its_target_and_an_older_one_need_not(tmp_path: Path) -> None:
    made = plan()
    assert made.record()["target"] == "local"
    content = {key: value for key, value in made.record().items() if key != "target"}
    (tmp_path / "plan.json").write_text(json.dumps(content))
    assert "target" not in read_plan(tmp_path)


def test_what_is_written_has_exactly_the_keys_of_the_record() -> None:
    written = json.loads(json.dumps(plan(Options(pattern="decoupled")).record()))
    assert TypeAdapter(PlanRecord).validate_python(written) == written  # it drops other keys


def test_an_experiment_that_the_target_cannot_play_is_refused_with_the_reason() -> None:
    def refusals(pattern: Pattern, experiment: Experiment) -> list[str]:
        return [f"{action}: {pattern.name} has no queue" for action in experiment.actions]

    offer = Offer("somewhere", refusals=refusals)
    with pytest.raises(InputError) as caught:
        make_plan(Options(experiment="cache-flush"), "r1", "2026-01-01T00:00:00+00:00", offer)
    assert "the target 'somewhere' cannot play cache-flush on sticky" in str(caught.value)
    assert caught.value.problems == ("flush: sticky has no queue",)


@pytest.mark.parametrize(
    "options",
    [Options(env=("A=\udc80",)), Options(thresholds=("avg{op:\udc80}<5",))],
    ids=["env", "threshold"],
)
def test_a_plan_that_could_not_be_read_again_is_refused(options: Options) -> None:
    with pytest.raises(InputError, match=r"plan\.json cannot hold this: .*: not a text"):
        plan(options)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_a_source_of_chance_does_not_take_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match="must be from 0 to"):
        plan(Options(seed=seed))


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
        plan(Options(**{kind: str(tmp_path / file)}))  # type: ignore[arg-type]
    assert told.format(kind=kind) in str(caught.value)


def test_a_scenario_that_can_have_no_users_is_named_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "nobody.py"
    for text in ("x = 1\n", "from locust import task\nclass Reader:\n    pass\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"nobody\.py: no class of users"):
            plan(Options(scenario=str(path)))
    for text in ("from shop.users import Visitor\n", "class Visitor(Base):\n    pass\n"):
        path.write_text(text)
        plan(Options(scenario=str(path)))
    path.write_text("x = 1\n")
    plan(Options(scenario=f"reader,{path}"))  # beside one that has


def test_a_variable_without_a_name_is_named_beside_other_problems() -> None:
    with pytest.raises(InputError) as caught:
        plan(Options(pattern="stiky", env=("1=2",)))
    assert "no pattern named 'stiky'" in str(caught.value)
    assert "--env '1=2': not NAME=VALUE" in str(caught.value)
