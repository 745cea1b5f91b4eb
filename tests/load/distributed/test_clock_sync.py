from __future__ import annotations

import random

from statedrill.load.distributed.clock_sync import Reading, RemoteClock, reading

S, MS = 1_000_000_000, 1_000_000


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
    clock = RemoteClock([Reading(500, 90), Reading(480, 10), Reading(520, 70)])
    assert clock.ahead_ns == 480


def test_drift_is_reported_and_never_corrected() -> None:
    clock = RemoteClock([Reading(0, MS, 0)])
    assert clock.error_ms(0) == 1.0
    clock.observe(Reading(3 * MS, 2 * MS, 20 * S))
    assert clock.error_ms(20 * S) == 5.0
    assert clock.ahead_ns == 0


def test_a_clock_that_is_not_read_gets_less_certain_with_time() -> None:
    clock = RemoteClock([Reading(0, MS, 0)])
    assert clock.error_ms(100 * S) == 51.0


def test_an_answer_that_had_to_queue_changes_nothing() -> None:
    clock = RemoteClock([Reading(0, MS, 0)])
    clock.observe(Reading(300 * MS, 400 * MS, S))
    assert clock.error_ms(S) == 1.5


def test_a_clock_that_jumped_is_noticed_at_once() -> None:
    clock = RemoteClock([Reading(0, MS, 0)])
    clock.observe(Reading(3 * S, 400 * MS, S))
    assert clock.error_ms(S) == 3_400.0
    clock.observe(Reading(3 * S, MS, 2 * S))
    assert clock.error_ms(2 * S) == 3_001.0


def test_a_clock_that_drifts_is_never_further_off_than_reported() -> None:
    for seed in range(50):
        dice = random.Random(seed)
        drift = dice.uniform(-500e-6, 500e-6)
        readings, at = [], 0
        for _ in range(8):
            at += dice.randrange(10 * MS)
            readings.append(_asked(dice, at, drift))
        clock = RemoteClock(readings)
        for _ in range(200):
            at += dice.randrange(3 * S)
            if dice.random() < 0.5:
                clock.observe(_asked(dice, at, drift))
            true_ns = 7 * S + drift * at
            assert abs(true_ns - clock.ahead_ns) <= clock.error_ms(at) * MS + 1_000


def _asked(dice: random.Random, asked: int, drift: float) -> Reading:
    """A question to a clock that was 7 s ahead, over a network that queues now and then."""
    there = dice.randrange(MS) + (dice.randrange(S) if dice.random() < 0.3 else 0)
    back = dice.randrange(MS)
    theirs = asked + there + round(7 * S + drift * (asked + there))
    seen = reading(asked, theirs, asked + there + back)
    return seen._replace(at_ns=asked)
