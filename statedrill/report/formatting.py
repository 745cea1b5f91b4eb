"""How the report writes numbers: thousands apart, a unit behind, as many digits as mean something.

Every function takes None for "there is no such number" and writes a dash. Knows no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DASH = "—"
NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Share:
    """`part` of `whole`; either is None where it was not counted."""

    part: int | None
    whole: int | None

    @property
    def fraction(self) -> float | None:
        """The share of 1; None where it was not counted, or nothing could be counted."""
        return self.part / self.whole if self.whole and self.part is not None else None

    @property
    def percent(self) -> str:
        """As per cent; nothing out of nothing is not tested."""
        if self.part is None or self.whole is None:
            return DASH
        return percent(self.fraction) if self.whole else NOT_TESTED

    @property
    def counted(self) -> str:
        """`81 of 240`; empty where it was not counted."""
        if self.part is None:
            return ""
        return f"{format_count(self.part)} of {format_count(self.whole)}"


def format_count(value: float | None) -> str:
    """A number of things: `9,000`."""
    return DASH if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """A share of 1 as per cent: `33.8 %`. What is not all, or not nothing, never reads as it."""
    if share is None:
        return DASH
    value = share * 100
    if value in (0, 100):
        return f"{value:.0f} %"
    for digits in (1, 2, 3):
        if round(value, digits) not in (0, 100):
            return f"{value:.{digits}f} %"
    return "< 0.001 %" if value < 50 else "> 99.999 %"


def seconds(value: float | None) -> str:
    """A time span given in seconds: `31 ms`, `0.42 s`, `2.1 s`, `40 s`, `12 min 30 s`."""
    if value is None:
        return DASH
    if value >= 600:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes:,} min {rest} s"
    return milliseconds(value * 1000) if 0 < value < 0.1 else f"{_three_digits(value)} s"


def milliseconds(value: float | None) -> str:
    """A latency in milliseconds: `3.94 ms`, `12.1 ms`, `1,240 ms`."""
    return DASH if value is None else f"{_three_digits(value)} ms"


def rate(value: float | None) -> str:
    """A rate per second: `199.8 / s`."""
    return DASH if value is None else f"{_three_digits(value)} / s"


def exact(value: object) -> str:
    """Any JSON value as it stands, numbers with their thousands apart."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(exact(each) for each in value) or DASH
    return str(value)


def interval(bounds: Sequence[float | None] | None) -> str:
    """Two shares as `0.1 % to 0.4 %`."""
    if bounds is None or len(bounds) != 2 or None in bounds:
        return DASH
    return f"{percent(bounds[0])} to {percent(bounds[1])}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def crossed(pattern: str, experiment: str) -> str:
    """What a reader calls one pattern under one experiment."""
    return f"{pattern} \N{MULTIPLICATION SIGN} {experiment}"


def number_word(number: int) -> str:
    """Small numbers as words."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if 0 <= number < len(words) else f"{number:,}"


def plural(number: float, one: str, many: str = "") -> str:
    """`1 session`, `2 sessions`, `1,200 replies`."""
    return f"{format_count(number)} {one if number == 1 else many or one + 's'}"


def _three_digits(value: float) -> str:
    if value == 0:
        return "0"
    size = abs(value)
    digits = 2 if size < 10 else 1 if size < 100 else 0
    if size < 0.1:
        return f"{value:.2g}"
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
