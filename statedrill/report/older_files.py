"""Completes what a file of an older version lacks, so that readers find every key of the record.

Knows what stands for "not known" in each type; knows no file and no figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

from typing_extensions import is_typeddict

from statedrill.check.verdict.record import SCHEMA, StoredVerdict, VerdictRecord
from statedrill.records import fields, plain
from statedrill.vocabulary import UNKNOWN


def completed_verdict(verdict: Mapping[str, object]) -> StoredVerdict:
    """`verdict` with every key of its record: None, empty or `unknown` where it had none.

    What has no such value (a time, a name's number) stays missing, and damaged values stay as
    they are: `records.problem` names both.
    """
    return cast(StoredVerdict, completed({"schema": SCHEMA, **verdict}, VerdictRecord))


def completed(value: object, kind: Any) -> object:
    """`value` as far as it goes, completed by what stands for "not known" in `kind`."""
    kind = plain(kind)
    if is_typeddict(kind):
        return _completed_record({} if value is None else value, kind)
    if get_origin(kind) is list and isinstance(value, list):
        [inner] = get_args(kind)
        return [completed(each, inner) for each in value]
    if get_origin(kind) is dict and isinstance(value, dict):
        _, inner = get_args(kind)
        return {key: completed(each, inner) for key, each in value.items()}
    return value


def _completed_record(value: object, record: Any) -> object:
    if not isinstance(value, dict):
        return value
    found = dict(value)
    for key, (kind, required) in fields(record).items():
        if found.get(key) is not None:
            found[key] = completed(found[key], kind)
            continue
        unknown = _unknown(plain(kind))
        if unknown is _NOTHING or (unknown is not None and not required):
            found.pop(key, None)
        elif required or key in found:
            found[key] = unknown
    return found


_NOTHING = object()


def _unknown(kind: Any) -> object:
    """What stands for "not known" in a type; `_NOTHING` where nothing does."""
    if is_typeddict(kind):
        return _completed_record({}, kind)
    origin, options = get_origin(kind), get_args(kind)
    if origin in (list, dict):
        return origin()
    if origin in (Union, UnionType):
        return None if NoneType in options else _NOTHING
    if origin is Literal:
        return UNKNOWN if UNKNOWN in options else _NOTHING
    return "" if kind is str else _NOTHING
