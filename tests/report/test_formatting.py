"""Numbers for readers: thousands apart, a unit, and never more certainty than there is."""

from __future__ import annotations

import pytest

from statedrill.report.formatting import (
    Share,
    exact,
    format_count,
    interval,
    listed,
    milliseconds,
    percent,
    plural,
    seconds,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (1 / 3, "33.3 %"),
        (0.9996, "99.96 %"),
        (0.0004, "0.04 %"),
        (0.999999999, "> 99.999 %"),
        (1e-9, "< 0.001 %"),
    ],
)
def test_a_share_that_is_not_all_or_nothing_never_reads_as_it(
    value: float | None, text: str
) -> None:
    assert percent(value) == text


def test_nothing_of_nothing_is_not_tested_and_unknown_is_a_dash() -> None:
    assert Share(0, 0).percent == "not tested"
    assert Share(None, 5).percent == Share(5, None).percent == "—"
    assert Share(1, 4).percent == "25.0 %"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "—"), (0, "0 s"), (0.031, "31 ms"), (0.42, "0.42 s"), (2.1, "2.1 s"), (40.0, "40 s"),
     (754, "12 min 34 s")],
)  # fmt: skip
def test_seconds_carry_their_unit(value: float | None, text: str) -> None:
    assert seconds(value) == text


def test_milliseconds_and_counts_have_their_thousands_apart() -> None:
    assert milliseconds(1240.4) == "1,240 ms"
    assert milliseconds(12.14) == "12.1 ms"
    assert milliseconds(3.944) == "3.94 ms"
    assert format_count(9000) == "9,000"


def test_exact_writes_any_value_of_json() -> None:
    assert [exact(each) for each in (None, True, 9000, 0.1 + 0.2, ["a", 1], "x")] == [
        "—", "yes", "9,000", "0.3", "a, 1", "x"]  # fmt: skip


def test_an_interval_needs_two_bounds() -> None:
    assert interval([0.1, 0.2]) == "10.0 % to 20.0 %"
    assert interval(None) == interval([None, 0.2]) == interval([0.1]) == "—"


def test_names_are_listed_as_one_speaks() -> None:
    assert [listed(["a", "b", "c"][:number]) for number in range(4)] == [
        "", "a", "a and b", "a, b and c"]  # fmt: skip
    assert plural(1, "reply", "replies") == "1 reply"
    assert plural(1200, "reply", "replies") == "1,200 replies"
