from __future__ import annotations

import random

from statedrill.load.far_clock import FarClock, Reading, reading


def test_a_reading_is_right_within_its_own_error() -> None:
    dice = random.Random(1)
    for _ in range(1000):
        ahead = dice.randrange(-(10**15), 10**15)
        asked = dice.randrange(10**15)
        there, back = dice.randrange(10**8), dice.randrange(10**8)
        seen = reading(asked, asked + there + ahead, asked + there + back)
        assert abs(seen.ahead_ns - ahead) <= seen.error_ns
        assert seen.error_ns <= (there + back + 1) // 2


def test_the_surest_reading_counts() -> None:
    clock = FarClock([Reading(500, 90), Reading(480, 10), Reading(520, 70)])
    assert clock.ahead_ns == 480
    assert clock.error_ms() == 0.0  # ten nanoseconds


def test_drift_is_told_and_never_corrected() -> None:
    clock = FarClock([Reading(0, 1_000_000)])
    assert clock.error_ms() == 1.0
    clock.look(Reading(5_000_000, 9_000_000))
    clock.look(Reading(4_000_000, 2_000_000))
    clock.look(Reading(9_000_000, 7_000_000))
    assert clock.error_ms() == 6.0
    assert clock.ahead_ns == 0
    assert clock.error_ms() is None, "nobody has looked since"
