"""The exit codes of the three outcomes."""

from __future__ import annotations

from statedrill.check import exit_code
from statedrill.vocabulary import VerdictOutcome


def test_the_worst_of_several_drills_gives_the_exit_code() -> None:
    outcomes: list[VerdictOutcome] = ["held", "unknown", "broken"]
    assert [exit_code(*outcomes[:count]) for count in (1, 2, 3)] == [0, 3, 99]
    assert exit_code() == 3
