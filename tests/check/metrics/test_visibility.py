from __future__ import annotations

from statedrill.vocabulary import Outcome
from tests.check.history_builder import PREFERENCES, HistoryBuilder


def test_the_share_of_reads_that_see_a_write_is_told_by_the_age_of_the_write() -> None:
    builder = HistoryBuilder()
    builder.write(0, PREFERENCES, 1, outcome=Outcome.ACCEPTED, took=1)
    builder.read(4, PREFERENCES, 0, ver=0, took=1)
    builder.read(5.5, PREFERENCES, 0, ver=0, took=1)
    builder.read(8, PREFERENCES, 1, ver=1, took=1)
    builder.read(30, PREFERENCES, 1, ver=1, took=1)
    assert builder.verdict()["reads"]["visibility"] == [
        {"age_s": 0.005, "reads": 2, "seen": 0.0},
        {"age_s": 0.01, "reads": 1, "seen": 1.0},
        {"age_s": 0.05, "reads": 1, "seen": 1.0},
    ]
