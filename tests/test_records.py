"""The shape of JSON values: what fits a TypedDict, and where and why something does not."""

from __future__ import annotations

from typing import Any, Generic, Literal, NotRequired, TypeVar

import pytest
from typing_extensions import TypedDict

from statedrill.records import fields, problem

Count = TypeVar("Count", bound=int | None)


class Inner(TypedDict, Generic[Count]):
    lost: Count
    share: NotRequired[float]


class Outer(TypedDict):
    outcome: Literal["held", "broken"]
    parts: list[Inner[int]]
    named: dict[str, str | None]
    anything: NotRequired[Any]
    options: NotRequired[dict[str, object]]


FITTING: dict[str, Any] = {
    "outcome": "held",
    "parts": [{"lost": 3, "share": 1}, {"lost": None}],
    "named": {"a": "b", "c": None},
    "of_a_newer_version": [],
}


def test_what_fits_has_no_problem_and_keys_of_a_newer_version_fit() -> None:
    assert problem(FITTING, Outer) is None
    assert problem(FITTING | {"anything": object()}, Outer) is None
    assert problem(FITTING | {"options": {"backups": True, "nodes": [3], "x": None}}, Outer) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "lost"}, "outcome: not one of held, broken"),
        ({"parts": {}}, "parts: not a list"),
        ({"parts": [{"lost": 1}, 5]}, "parts.1: not an object"),
        ({"parts": [{"lost": 1.5}]}, "parts.0.lost: not an integer"),
        ({"parts": [{"lost": True}]}, "parts.0.lost: not an integer"),
        ({"parts": [{"lost": 1, "share": float("nan")}]}, "parts.0.share: not a number"),
        ({"parts": [{"lost": 1, "share": None}]}, "parts.0.share: not a number"),
        ({"parts": [{"lost": 2**63}]}, "parts.0.lost: not an integer"),
        ({"parts": [{"lost": 1, "share": 10**400}]}, "parts.0.share: not a number"),
        ({"named": {"x": "\ud800"}}, "named.x: not a text"),
        ({"parts": [{}]}, "parts.0.lost: missing"),
        ({"named": []}, "named: not an object"),
        ({"named": {"x": 1}}, "named.x: not a text"),
    ],
)
def test_a_problem_names_its_place_and_its_reason(change: dict[str, Any], said: str) -> None:
    assert problem(FITTING | change, Outer) == said


def test_what_is_no_object_at_all_is_said_to_be_none() -> None:
    assert problem([], Outer) == "not an object"


def test_the_fields_of_a_record_say_which_must_be_there() -> None:
    assert {key: required for key, (_, required) in fields(Outer).items()} == {
        "outcome": True, "parts": True, "named": True, "anything": False, "options": False,
    }  # fmt: skip
