"""Every accusation is shown by at most four operations, whatever the history looks like."""

from __future__ import annotations

import random

import pytest

from tests.check.random_histories import small_history


def witnessed(seed: int, histories: int) -> int:
    """Judge that many small histories, each alone; how many findings had a witness: all of them."""
    found = 0
    for number in range(histories):
        verdict = small_history(random.Random(f"{seed}-{number}"), 1).verdict()
        for finding in verdict["findings"]:
            if finding["outcome"] == "broken":
                assert finding["witness"], (seed, number, finding)
                assert 1 <= len(finding["operations"]) <= 4, (seed, number, finding)
                found += 1
    return found


@pytest.mark.parametrize("seed", range(3))
def test_every_accusation_has_a_witness(seed: int) -> None:
    assert witnessed(seed, 150) > 150


def test_a_write_that_only_a_replay_confirmed_is_a_witness() -> None:
    verdict = small_history(random.Random(137), 1).verdict()
    finding = next(each for each in verdict["findings"] if each["check"] == "read-your-writes")
    assert finding["outcome"] == "broken"
    assert [each["wid"] for each in finding["operations"]] == ["r1.1.1", "r1.1.2", "r1.1.1"]
    assert "confirmed" in finding["witness"]
