"""How many users fit, and what is said when there are more."""

from __future__ import annotations

import pytest

from statedrill.errors import InputError
from statedrill.inputs.options import Options
from statedrill.plan.limits import Limit, check_limits, load_limits
from statedrill.plan.load_plan import Load, make_load
from statedrill.plan.plan import Offer, make_plan


def load(users: int = 10_000, **more: int) -> Load:
    return make_load(Options(users=users, **more))  # type: ignore[arg-type]


def test_a_load_process_holds_as_many_users_as_files_and_several_hold_more() -> None:
    assert load_limits(load(), 20_000)[0].most_users == 19_800
    assert load_limits(load(processes=3), 4_096)[0].most_users == 3 * 3_896
    assert load_limits(load(), 100)[0].most_users == 0
    assert load_limits(load(expect_workers=2), 100) == []


def test_as_many_users_as_fit_are_no_problem() -> None:
    check_limits(load(500), [Limit("files", 500), Limit("memory", 900)])
    check_limits(load(500), [])


def test_users_that_do_not_fit_are_refused_with_every_limit_and_the_number_that_would() -> None:
    limits = [Limit("files", 800), Limit("memory", 900), Limit("connections", 20_000)]
    with pytest.raises(InputError, match="10,000 users do not fit on this machine") as caught:
        check_limits(load(), limits)
    assert caught.value.hint == "use --users 800"
    assert caught.value.problems == ("files: 800 users fit", "memory: 900 users fit")


def test_a_plan_asks_the_target_how_many_users_fit() -> None:
    offer = Offer(limits=lambda load: [Limit("beds", load.users - 1)])
    with pytest.raises(InputError, match="240 users do not fit") as caught:
        make_plan(Options(experiment="none"), "r1", "2026-01-01T00:00:00+00:00", offer)
    assert caught.value.hint == "use --users 239"
