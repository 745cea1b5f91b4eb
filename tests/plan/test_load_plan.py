"""Who comes, and how fast: every option is looked at, and all problems are named at once."""

from __future__ import annotations

import pytest

from statedrill.errors import InputError
from statedrill.inputs.options import Options
from statedrill.plan.load_plan import make_load


def test_users_with_a_pace_plan_a_rate() -> None:
    load = make_load(Options(users=120, pace_s=2.0))
    assert (load.planned_rate, load.arrivals, load.arrival_rate) == (60.0, "closed", None)


@pytest.mark.parametrize(("users", "spawn_rate"), [(1, 1.0), (100, 50.0), (10_000, 200.0)])
def test_everybody_is_there_soon_but_no_faster_than_they_can_sign_in(
    users: int, spawn_rate: float
) -> None:
    assert make_load(Options(users=users)).spawn_rate == spawn_rate


@pytest.mark.parametrize(
    ("text", "rate", "spacing"),
    [("50", 50.0, "uniform"), ("300/m", 5.0, "uniform"), ("7200/h poisson", 2.0, "poisson")],
)
def test_with_an_arrival_rate_no_rate_of_operations_is_planned(
    text: str, rate: float, spacing: str
) -> None:
    load = make_load(Options(arrival_rate=text))
    assert (load.arrival_rate, load.arrivals, load.planned_rate) == (rate, spacing, None)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        make_load(
            Options(
                users=0, pace_s=0, arrival_rate="fast", processes=65, expect_workers=101,
                expect_workers_max_wait_s=0, master_bind_port=0,
            )
        )  # fmt: skip
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "users", "pace", "processes", "arrival rate 'fast' is not a rate; write it as 50/s, 3000/m "
        "or '50/s poisson'", "workers", "processes", "wait for workers", "master port",
    ]  # fmt: skip
