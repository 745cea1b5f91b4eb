"""A target is gone when it was not healthy for longer than it needs to replace a part."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from statedrill.load.target_health import TargetHealth, missing_parts

LOST = ["cache: 1 of 2 nodes"]


class Looks:
    """Looks once a second for as long as there are answers; the clock is a number."""

    def __init__(self, patience_s: float) -> None:
        self.now, self.asked = 100.0, 0
        self.answer: Sequence[str] = ()
        self.health = TargetHealth(patience_s, self._ask, lambda: self.now)

    def _ask(self) -> Sequence[str]:
        self.asked += 1
        return self.answer

    def see(self, *answers: Sequence[str]) -> Sequence[str]:
        for self.answer in answers:
            self.health.look()
            self.now += 1.0
        return self.health.gone


@pytest.mark.parametrize(
    ("answers", "gone"),
    [
        ([[]] * 9, ()),
        ([LOST] * 3, ()),
        ([LOST] * 4, LOST),
        ([LOST, LOST, [], LOST, LOST, LOST], ()),
        ([LOST, LOST, LOST, ["database"]], ["database"]),
    ],
    ids=["healthy", "not yet", "for good", "came back meanwhile", "something else by now"],
)
def test_only_what_stays_missing_is_gone(
    answers: Sequence[Sequence[str]], gone: Sequence[str]
) -> None:
    assert Looks(3.0).see(*answers) == gone


def test_the_time_between_two_troubles_does_not_count() -> None:
    looks = Looks(30.0)
    looks.see(LOST)
    looks.now += 25.0
    assert looks.see(*[LOST] * 7) == ()
    assert looks.see(*[LOST] * 24) == LOST


def test_many_failed_reads_ask_once_a_second() -> None:
    looks = Looks(3.0)
    for _ in range(50):
        looks.health.look()
        looks.now += 0.05
    assert looks.asked == 3


def test_a_control_address_that_does_not_answer_is_something_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = {"url": "http://127.0.0.1:1", "token": "t", "load_balancer": "http://127.0.0.1:1"}
    (tmp_path / "control.json").write_text(json.dumps(control))
    monkeypatch.setenv("STATEDRILL_CONTROL", str(tmp_path / "control.json"))
    assert "does not answer" in missing_parts()[0]
