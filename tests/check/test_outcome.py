"""The exit code of each outcome."""

from __future__ import annotations

from statedrill.check import worst_exit_code


def test_the_worst_of_several_drills_gives_the_exit_code() -> None:
    outcomes = [{"outcome": outcome} for outcome in ("held", "unknown", "broken")]
    assert [worst_exit_code(outcomes[:count]) for count in (1, 2, 3)] == [0, 3, 99]
    assert worst_exit_code([]) == 3
