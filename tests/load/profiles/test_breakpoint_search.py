from __future__ import annotations

from typing import Any

import pytest

from statedrill.history.load_line import LoadLine
from statedrill.load.profiles.breakpoint_search import BreakpointSearch, sentence


def figures(line: int, **changes: Any) -> LoadLine:
    usual = LoadLine(line=line, requests=100, errors=0, p99_ms=20.0, queued=0, dropped=0)
    return {**usual, **changes}  # type: ignore[typeddict-item]


def test_a_load_that_always_holds_breaks_nothing() -> None:
    search = BreakpointSearch(p99_ms=500, errors=0.01)
    for line in range(1, 11):
        search.feed(line, figures(line))
    assert (search.held, search.broken) == (10, "")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"errors": 2}, "2.0 % of the requests failed"),
        ({"p99_ms": 501.0}, "p99 was 501 ms"),
        ({"queued": 1}, "no user was free"),
        ({"dropped": 1}, "no user was free"),
    ],
)
def test_two_bad_seconds_in_a_row_break_the_step_of_the_first(
    bad: dict[str, Any], why: str
) -> None:
    search = BreakpointSearch(p99_ms=500, errors=0.01)
    search.feed(3, figures(1))
    search.feed(4, figures(2, **bad))
    assert not search.broken
    search.feed(5, figures(3, **bad))
    assert why in search.broken
    assert (search.step, search.held) == (4, 3)
    search.feed(6, figures(4))
    assert search.held == 3


def test_one_bad_second_may_be_chance_and_one_line_is_not_two() -> None:
    search = BreakpointSearch(p99_ms=500, errors=0.01)
    for line, bad in ((1, 1), (1, 1), (2, 0), (3, 1), (4, 0)):
        search.feed(2, figures(line, errors=50 * bad))
    assert not search.broken


def test_the_first_step_may_break() -> None:
    search = BreakpointSearch(p99_ms=500, errors=0.0)
    for line in (1, 2):
        search.feed(1, figures(line, errors=1))
    assert search.held == 0
    assert search.broken


def test_the_result_names_the_last_load_that_held_and_the_first_that_did_not() -> None:
    search = BreakpointSearch(p99_ms=500, errors=0.01)
    for line in (1, 2):
        search.feed(7, figures(line, errors=50))
    result = search.result(350.0, "users", steps=10, completed=7)
    assert (result["held"], result["broke"], result["unit"]) == (210.0, 245.0, "users")
    assert sentence(result).startswith("210 users held, 245 broke: 50.0 %")


def test_a_step_that_was_cut_short_has_not_held() -> None:
    search = BreakpointSearch(p99_ms=500, errors=0.01)
    search.feed(4, figures(1))
    result = search.result(10.0, "arrivals/s", steps=10, completed=3)
    assert (result["held"], result["broke"]) == (3.0, None)
    assert sentence(result) == "nothing broke, 3 arrivals/s held"
