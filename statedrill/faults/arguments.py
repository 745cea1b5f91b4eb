"""The arguments of a fault as they arrive at the control address: named, typed, all checked.

Knows the spelling of the wire (`InstanceIds` is the field `instance_ids`); knows no fault. Only
targets import this module: pydantic is too heavy for an experiment's process.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_pascal

from statedrill.errors import ControlError


def read_arguments(kind: type, given: Mapping[str, Any]) -> Any:
    """`given` as an object of the dataclass `kind`; a null counts as not given.

    Each field is annotated with its type and with words for what it must be.

    Raises:
        ControlError: arguments that do not exist, are missing or of another type; names all.
    """
    names = {to_pascal(each.name): each.name for each in fields(kind)}
    problems = [_unknown(each, tuple(names)) for each in given if each not in names]
    values = {
        names[name]: value for name, value in given.items() if name in names and value is not None
    }
    try:
        # From JSON, because strict types take a list for a tuple only there.
        made = _adapter(kind).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        wrong = dict.fromkeys(str(each["loc"][0]) for each in error.errors())
        problems += [_wrong(kind, field, values) for field in wrong]
    if problems:
        known = ", ".join(names) or "none"
        raise ControlError("; ".join(problems), f"arguments: {known}")
    return made


@functools.cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _unknown(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"there is no argument '{name}'" + (f": did you mean '{close[0]}'?" if close else "")


def _wrong(kind: type, field: str, values: Mapping[str, Any]) -> str:
    must_be = _must_be(get_type_hints(kind, include_extras=True)[field])
    if field not in values:
        return f"{to_pascal(field)} is missing: give {must_be}"
    return f"{to_pascal(field)} must be {must_be}, not {json.dumps(values[field])}"


def _must_be(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return str(next(each for each in get_args(annotation)[1:] if isinstance(each, str)))
    return f"of type {annotation}"
