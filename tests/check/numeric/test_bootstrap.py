from __future__ import annotations

import numpy as np

from statedrill.check.numeric.bootstrap import interval


def test_an_interval_holds_the_true_rate_about_nineteen_times_of_twenty() -> None:
    dice = np.random.default_rng(5)
    inside = 0
    for trial in range(200):
        broken = np.where(dice.random(80) < 0.3, dice.binomial(20, 0.5, 80), 0)
        table: dict[tuple[int, int], int] = {}
        for count in broken.tolist():
            table[20, count] = table.get((20, count), 0) + 1
        found = interval(table, seed=trial)
        assert found is not None
        inside += found[0] <= 0.15 <= found[1]
    assert 176 <= inside <= 199


def test_an_interval_is_the_same_every_time_and_honest_about_nothing_seen() -> None:
    table = {(10, 0): 30, (10, 3): 5}
    assert interval(table, 7) == interval(table, 7)
    assert interval({(10, 0): 30}, 7) == (0.0, 0.01)
    assert interval({(0, 0): 4}, 7) is None
    assert interval({}, 7) is None
    assert interval({(5, 5): 1}, 7) is None
