from __future__ import annotations

import math
from typing import Any

import pytest

from statedrill.load import shapes

SHAPES = [
    shapes.steady, shapes.ramp, shapes.spike, shapes.diurnal, shapes.soak, shapes.staircase,
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: str(shape.__name__))
@pytest.mark.parametrize("run_time_s", [10.0, 3600.0, float("inf"), 0.0])
def test_a_shape_is_a_share_between_nothing_and_all(shape: Any, run_time_s: float) -> None:
    span_s = run_time_s if 0 < run_time_s < math.inf else shapes.PERIOD_S
    shares = [shape(span_s * part / 100, run_time_s) for part in range(101)]
    assert all(0 < share <= 1 for share in shares)
    assert max(shares) == pytest.approx(1, abs=1e-9)


def test_a_ramp_rises_and_stays() -> None:
    assert shapes.ramp(0, 100) == pytest.approx(0.1)
    assert shapes.ramp(25, 100) == pytest.approx(0.55)
    assert shapes.ramp(50, 100) == shapes.ramp(99, 100) == 1.0


def test_a_spike_is_sudden_and_short() -> None:
    assert [shapes.spike(at_s, 100) for at_s in (0, 39, 40, 59, 60, 99)] == [
        0.2,
        0.2,
        1,
        1,
        0.2,
        0.2,
    ]


def test_a_day_has_its_noon_in_the_middle() -> None:
    assert shapes.diurnal(0, 100) == pytest.approx(0.2)
    assert shapes.diurnal(50, 100) == pytest.approx(1.0)
    assert shapes.diurnal(25, 100) == pytest.approx(0.6)


def test_a_soak_starts_gently_and_then_never_changes() -> None:
    assert shapes.soak(0, 36_000) < 0.1
    assert shapes.soak(61, 36_000) == shapes.soak(35_999, 36_000) == 1.0


def test_a_staircase_has_ten_equal_steps() -> None:
    steps = [shapes.step_of(at_s, 100) for at_s in range(0, 101, 10)]
    assert steps == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]
