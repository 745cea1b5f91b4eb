"""A witness drawn: nothing to draw, close together, far apart, and the words beside the bars."""

from __future__ import annotations

from typing import Any

from statedrill.check.verdict.record import WitnessOperation
from statedrill.report.figures.axis import Span, time_axis
from statedrill.report.figures.witness import label, witness

AXIS = time_axis([], [Span("flush", 12.0, 14.0)], 40.0)


def operation(call_s: float, **more: Any) -> WitnessOperation:
    found: Any = {"what": "put draft", "kind": "put", "outcome": "ok", "who": "session 3",
                  "call_s": call_s, "ret_s": call_s + 0.01, "object": "draft", "wid": "r1.3.1",
                  "shows": "r1.3.1", "ver": 4, "instance": "i-1", "status": 200}  # fmt: skip
    return found | more


def test_the_words_name_who_did_what_and_what_came_back() -> None:
    assert label(operation(1.0)) == "session 3 put draft → 200, ver 4, i-1"
    read = operation(1.0, what="look", kind="read", ver=None, instance=None)
    assert label(read) == "session 3 look draft → 200, r1.3.1"


def test_without_operations_there_is_no_picture() -> None:
    assert witness("w", [], AXIS, "") == ""


def test_operations_close_together_are_drawn_in_milliseconds_others_in_seconds() -> None:
    close = witness("w", [operation(13.0), operation(13.2)], AXIS, "a < b")
    assert "milliseconds after 13.000 s" in close
    assert "flush" in close
    assert "a &lt; b" in close
    far = witness("w", [operation(30.0, ret_s=None), operation(5.0)], AXIS, "")
    assert "seconds since the drill began" in far
    assert far.index("1. session 3") < far.index("2. session 3")
