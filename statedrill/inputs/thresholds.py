"""The grammar of thresholds, k6's with a phase tag and a window: `p(99){phase:recovery}<500`.

    threshold  = aggregate [ "{" tag ":" value { "," tag ":" value } "}" ] comparison number
                 [ "for" number "s" ] [ "abortOnFail" ]
    aggregate  = "p(" number ")" | "avg" | "min" | "med" | "max" | "count" | "rate"
               | "lost" | "stale"
    comparison = "<" | "<=" | ">" | ">=" | "==" | "!="

`p`, `avg`, `min`, `med` and `max` are latency in milliseconds of what succeeded, `rate` is the
share of operations that failed (0 to 1), `count` the number of operations, `lost` the number of
lost writes, `stale` the number of stale reads. With `for 10s` the condition must hold in every
window of ten seconds. With `abortOnFail` the drill ends as soon as it does not hold, which is
looked at once a second. Knows the text and which value of some samples it is about; where samples
come from belongs to the rooms `check` and `drill`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from statedrill.errors import InputError
from statedrill.vocabulary import KIND_NAMES, PHASE_NAMES

TAGS = ("phase", "op", "kind", "instance")
STATE_AGGREGATES = ("lost", "stale")
AGGREGATES = ("p(…)", "avg", "min", "med", "max", "count", "rate", *STATE_AGGREGATES)

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {
        "<=": operator.le,
        ">=": operator.ge,
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        ">": operator.gt,
    }
)
_EXAMPLE = "write it like p(99){phase:recovery}<500, rate{op:add-to-cart}<0.01 or lost==0"
_NUMBER = re.compile(r"\d+(\.\d+)?")
_QUANTILE = re.compile(r"p\(\s*(\d+(?:\.\d+)?)\s*\)")
_WORD = re.compile(r"[a-z]+")
_TAG = re.compile(r"\s*([^:,{}\s]+)\s*:\s*([^,{}]+?)\s*(?=[,}])")
_ABORT = re.compile(r"abortOnFail\b")
_SHARES = {"min": 0.0, "med": 0.5, "max": 1.0}
_NOT_LIVE = ("count", *STATE_AGGREGATES)
_WINDOW = re.compile(r"for\s+(\d+(?:\.\d+)?)\s*s\b")


@dataclass(frozen=True)
class Threshold:
    """One condition on a drill. `quantile` is in 0..1 where `aggregate` is "p", else None."""

    text: str
    aggregate: str
    quantile: float | None
    tags: Mapping[str, str]
    comparison: str
    bound: float
    window_s: float | None
    abort: bool = False

    def holds(self, value: float) -> bool:
        """Whether `value` satisfies the comparison."""
        return _COMPARISONS[self.comparison](value, self.bound)

    @property
    def about_state(self) -> bool:
        """Whether it is about lost or stale state, not about traffic."""
        return self.aggregate in STATE_AGGREGATES


class Samples(Protocol):
    """The operations that match a threshold; latencies are those of what succeeded."""

    @property
    def n(self) -> int:
        """How many operations there are."""

    @property
    def failed(self) -> int:
        """How many of them failed."""

    def mean_ms(self) -> float | None:
        """The mean latency; None where nothing succeeded."""

    def quantile_ms(self, share: float) -> float | None:
        """The latency at `share` by nearest rank, 0 the least and 1 the greatest; None as above."""


def measure(threshold: Threshold, samples: Samples) -> float | None:
    """The value of a threshold about traffic; None where `samples` have none."""
    if threshold.aggregate == "count":
        return float(samples.n)
    if threshold.aggregate == "rate":
        return samples.failed / samples.n if samples.n else None
    if threshold.aggregate == "avg":
        return samples.mean_ms()
    share = _SHARES.get(threshold.aggregate, threshold.quantile)
    assert share is not None
    return samples.quantile_ms(share)


def parse_threshold(text: str) -> Threshold:
    """The threshold that `text` says.

    Raises:
        InputError: it does not follow the grammar; the message names the column and the cure.
    """
    cursor = _Cursor(text)
    aggregate, quantile = _aggregate(cursor)
    tags = _tags(cursor, aggregate)
    comparison = _comparison(cursor)
    cursor.skip_blanks()
    number = cursor.take(_NUMBER)
    if number is None:
        raise cursor.error("a number is missing here", _EXAMPLE)
    window_s = _window(cursor, aggregate)
    abort = _abort(cursor, aggregate)
    return Threshold(
        text=text.strip(),
        aggregate=aggregate,
        quantile=quantile,
        tags=tags,
        comparison=comparison,
        bound=float(number.group()),
        window_s=window_s,
        abort=abort,
    )


class _Cursor:
    """A place in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip_blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def error(self, what: str, hint: str, at: int | None = None) -> InputError:
        column = (self.at if at is None else at) + 1
        return InputError(f"threshold '{self.text}', column {column}: {what}", hint)


def _aggregate(cursor: _Cursor) -> tuple[str, float | None]:
    cursor.skip_blanks()
    begin = cursor.at
    if quantile := cursor.take(_QUANTILE):
        share = float(quantile.group(1)) / 100
        if share > 1:
            raise cursor.error("a percentile is at most 100", _EXAMPLE, begin)
        return "p", share
    word = cursor.take(_WORD)
    if word is None or word.group() not in AGGREGATES:
        found = f"'{word.group()}'" if word else "this"
        raise cursor.error(f"{found} is no aggregate", f"use one of {', '.join(AGGREGATES)}", begin)
    return word.group(), None


def _tags(cursor: _Cursor, aggregate: str) -> dict[str, str]:
    cursor.skip_blanks()
    if cursor.text[cursor.at : cursor.at + 1] != "{":
        return {}
    if aggregate in STATE_AGGREGATES:
        raise cursor.error(
            f"'{aggregate}' takes no tags", f"leave the braces out, as in {aggregate}==0"
        )
    tags: dict[str, str] = {}
    cursor.at += 1
    while True:
        begin = cursor.at
        tag = cursor.take(_TAG)
        if tag is None:
            raise cursor.error("a tag such as phase:recovery is missing", _EXAMPLE, begin)
        name, value = tag.groups()
        _check_tag(cursor, tag.start(1), name, value)
        tags[name] = value
        cursor.at += 1
        if cursor.text[cursor.at - 1] == "}":
            return tags


def _check_tag(cursor: _Cursor, at: int, name: str, value: str) -> None:
    if name not in TAGS:
        raise cursor.error(f"there is no tag '{name}'", f"the tags are {', '.join(TAGS)}", at)
    known = {"phase": PHASE_NAMES, "kind": KIND_NAMES}.get(name)
    if known and value not in known:
        raise cursor.error(f"there is no {name} '{value}'", f"use one of {', '.join(known)}", at)


def _comparison(cursor: _Cursor) -> str:
    cursor.skip_blanks()
    for sign in _COMPARISONS:
        if cursor.text.startswith(sign, cursor.at):
            cursor.at += len(sign)
            return sign
    raise cursor.error("a comparison is missing", f"use one of {' '.join(_COMPARISONS)}")


def _window(cursor: _Cursor, aggregate: str) -> float | None:
    cursor.skip_blanks()
    window = cursor.take(_WINDOW)
    if window is None:
        return None
    if aggregate in STATE_AGGREGATES:
        raise cursor.error(f"'{aggregate}' takes no window", "leave 'for …' out", window.start())
    if float(window.group(1)) <= 0:
        raise cursor.error("a window is longer than nothing", "as in 'for 10s'", window.start())
    return float(window.group(1))


def _abort(cursor: _Cursor, aggregate: str) -> bool:
    cursor.skip_blanks()
    begin = cursor.at
    abort = cursor.take(_ABORT) is not None
    cursor.skip_blanks()
    if cursor.at < len(cursor.text):
        raise cursor.error(
            "nothing but a window such as 'for 10s' and 'abortOnFail' may follow", _EXAMPLE
        )
    if abort and aggregate in _NOT_LIVE:
        raise cursor.error(
            f"'{aggregate}' is known at the end only", "leave 'abortOnFail' out", begin
        )
    return abort
