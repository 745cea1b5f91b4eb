from __future__ import annotations

from statedrill.vocabulary import Outcome
from tests.check.history_builder import PREFERENCES, Story


def test_the_share_of_reads_that_see_a_write_is_told_by_the_age_of_the_write() -> None:
    story = Story()
    story.write(0, PREFERENCES, 1, outcome=Outcome.ACCEPTED, took=1)
    story.read(4, PREFERENCES, 0, ver=0, took=1)
    story.read(5.5, PREFERENCES, 0, ver=0, took=1)
    story.read(8, PREFERENCES, 1, ver=1, took=1)
    story.read(30, PREFERENCES, 1, ver=1, took=1)
    assert story.verdict()["reads"]["visibility"] == [
        {"age_s": 0.005, "reads": 2, "seen": 0.0},
        {"age_s": 0.01, "reads": 1, "seen": 1.0},
        {"age_s": 0.05, "reads": 1, "seen": 1.0},
    ]
