"""Target tracking as a table: what instances carried in the last periods -> how many there are."""

from __future__ import annotations

import pytest

from statedrill.cluster.compute.target_tracking import (
    Load,
    Reading,
    TargetTracking,
    reading,
)

TRACKING = TargetTracking(target=40.0, least=2, most=8)


WARM, NEW = Load(50.0, is_warm=True), Load(200.0, is_warm=False)


def steady(value: float, periods: int, instances: int = 3) -> list[Reading]:
    return [Reading(instances, value)] * periods


def warming(value: float, periods: int, instances: int = 3) -> list[Reading]:
    return [Reading(instances, value, is_settled=False)] * periods


@pytest.mark.parametrize(
    ("readings", "now", "desired"),
    [
        pytest.param([], 3, 3, id="nothing was read yet"),
        pytest.param(steady(40, 50), 3, 3, id="at the target nothing changes"),
        # out
        pytest.param(steady(80, 2), 3, 3, id="two periods are not enough"),
        pytest.param(steady(80, 3), 3, 6, id="three are"),
        pytest.param([*steady(80, 2), *steady(39, 1), *steady(80, 2)], 3, 3, id="not in a row"),
        pytest.param(
            [*steady(80, 2), *steady(50, 1)], 3, 4, id="the last period counts, rounded up"
        ),
        pytest.param(steady(400, 3), 3, 8, id="never more than the most"),
        pytest.param(steady(41, 3, instances=2), 5, 5, id="above the target it never scales in"),
        pytest.param(warming(80, 3), 3, 6, id="while instances warm up it scales out"),
        pytest.param(warming(80, 3), 6, 6, id="not twice for the same load"),
        pytest.param(warming(40, 3, instances=6), 6, 6, id="new ones take their share"),
        # in
        pytest.param(steady(10, 14), 6, 6, id="fourteen periods are not enough"),
        pytest.param(steady(10, 15, instances=6), 6, 2, id="fifteen are"),
        pytest.param(steady(37, 15, instances=6), 6, 6, id="a tenth below is not well below"),
        pytest.param(
            [*steady(10, 7, 6), *steady(30, 1, 6), *steady(10, 7, 6)], 6, 5, id="the largest counts"
        ),
        pytest.param(
            [*warming(10, 1, 6), *steady(10, 14, 6)], 6, 6, id="not while instances warm up"
        ),
        pytest.param(
            [*warming(10, 1, 6), *steady(10, 15, 6)], 6, 2, id="fifteen periods after that"
        ),
        pytest.param(steady(0, 15), 3, 2, id="never fewer than the least"),
        pytest.param(steady(10, 15, instances=2), 2, 2, id="not below the least from there"),
    ],
)
def test_what_was_carried_decides_how_many_there_are(
    readings: list[Reading], now: int, desired: int
) -> None:
    assert TRACKING.desired(readings, now) == desired


@pytest.mark.parametrize(
    ("loads", "desired", "expected"),
    [
        pytest.param([WARM, Load(70.0, is_warm=True)], 2, Reading(2, 60.0), id="on average"),
        pytest.param([WARM, NEW], 2, Reading(2, 50.0, is_settled=False), id="new: not in it yet"),
        pytest.param([WARM], 2, Reading(1, 50.0, is_settled=False), id="one is booting"),
        pytest.param([WARM] * 3, 2, Reading(3, 50.0, is_settled=False), id="one is to go"),
        pytest.param([NEW], 1, None, id="nobody is warm"),
        pytest.param([], 2, None, id="nobody is there"),
    ],
)
def test_what_a_period_says_depends_on_who_is_warm(
    loads: list[Load], desired: int, expected: Reading | None
) -> None:
    assert reading(loads, desired) == expected
