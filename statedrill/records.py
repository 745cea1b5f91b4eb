"""Whether a JSON value has the shape that one of our TypedDicts describes.

The light way for the files that statedrill itself wrote (events, verdicts, plans): importing
pydantic takes longer than checking a short run. Knows types; knows no record and no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, TypeVar, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

_TOO_LARGE = 2**63
_SURROGATE = re.compile("[\ud800-\udfff]")


def problem(value: object, kind: Any, place: str = "") -> str | None:
    """What is wrong with `value` as a `kind`, with its place (`sessions.lost: not an integer`).

    `kind` is a TypedDict or what its fields may be: str, bool, int, float, None, Any, Literal,
    unions, list[...] and dict[str, ...]. None where everything fits; keys that the TypedDict does
    not have are of a newer version, and fit. NaN, infinities and what needs more than 64 bits are
    no numbers, and half of a surrogate pair is no text: no file takes it.
    """
    kind = plain(kind)
    of_kind = _of_record if is_typeddict(kind) else _OF_ORIGIN.get(get_origin(kind), _of_plain)
    return of_kind(value, kind, place)


@cache
def fields(record: Any) -> Mapping[str, tuple[Any, bool]]:
    """Key -> (type, whether the key must be there) of a TypedDict."""
    hints = get_type_hints(record, include_extras=True)
    return {
        key: (hint, get_origin(hint) is not NotRequired and key in record.__required_keys__)
        for key, hint in hints.items()
    }


def plain(kind: Any) -> Any:
    """The type without what surrounds it: `NotRequired`, type variables, and their arguments."""
    if get_origin(kind) is NotRequired:
        return plain(get_args(kind)[0])
    if isinstance(kind, TypeVar):
        return kind.__bound__
    return get_origin(kind) if is_typeddict(get_origin(kind)) else kind


def _of_record(value: object, record: Any, place: str) -> str | None:
    if not isinstance(value, dict):
        return f"{place}: not an object" if place else "not an object"
    known = fields(record)
    for key, (_, required) in known.items():
        if required and key not in value:
            return f"{_at(place, key)}: missing"
    return _first(
        problem(each, known[key][0], _at(place, key)) for key, each in value.items() if key in known
    )


def _of_list(value: object, kind: Any, place: str) -> str | None:
    if not isinstance(value, list):
        return f"{place}: not a list"
    [inner] = get_args(kind)
    return _first(problem(each, inner, _at(place, n)) for n, each in enumerate(value))


def _of_dict(value: object, kind: Any, place: str) -> str | None:
    if not isinstance(value, dict):
        return f"{place}: not an object"
    _, inner = get_args(kind)
    return _first(problem(each, inner, _at(place, key)) for key, each in value.items())


def _of_union(value: object, kind: Any, place: str) -> str | None:
    found = [problem(value, option, place) for option in get_args(kind)]
    return found[0] if all(found) else None


def _of_literal(value: object, kind: Any, place: str) -> str | None:
    options = get_args(kind)
    return None if value in options else f"{place}: not one of {', '.join(map(str, options))}"


def _of_plain(value: object, kind: Any, place: str) -> str | None:
    if kind in (Any, object):
        return None
    if isinstance(value, bool) is not (kind is bool):
        fits = False  # to Python a bool is an integer, to JSON it is not
    elif kind in (int, float):
        fits = isinstance(value, (int, kind)) and abs(value) < _TOO_LARGE
    else:
        fits = isinstance(value, kind) and not (kind is str and _SURROGATE.search(str(value)))
    return None if fits else f"{place}: not {_NAMES[kind]}"


_OF_ORIGIN: dict[Any, Callable[[object, Any, str], str | None]] = {
    list: _of_list,
    dict: _of_dict,
    Union: _of_union,
    UnionType: _of_union,
    Literal: _of_literal,
}
_NAMES = {
    str: "a text",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    NoneType: "null",
}


def _at(place: str, step: object) -> str:
    return f"{place}.{step}" if place else str(step)


def _first(problems: Iterable[str | None]) -> str | None:
    return next(filter(None, problems), None)
