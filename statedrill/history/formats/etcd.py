"""Reads the records of etcd's robustness tests: `operations.json`, `watch.json`, or a folder of
`client-*` with both. One JSON object a line; times are nanoseconds of one clock.

Knows the fields of these files (etcd-io/etcd, tests/robustness at 2023-06-27); the meaning of a
revision is for `check`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statedrill.errors import HistoryError
from statedrill.history.formats.external import DAMAGED, ForeignHistory, ForeignOperation, in_order
from statedrill.history.operation import FOREVER
from statedrill.vocabulary import Outcome

NAME = "etcd-robustness"
_KINDS = ("range", "txn", "leaseGrant", "leaseRevoke", "defragment")
_FIRST = re.compile(r'\s*\{\s*"(ClientId|Request)"\s*:\s*[\d{]')
_FILES = ("operations.json", "watch.json")


@dataclass(frozen=True, slots=True)
class Range:
    """A read of [start, end) (end empty: of the key `start`) at `revision` (0: the newest)."""

    start: str
    end: str
    limit: int
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A put of `value`, or a delete (`value` None), of one key."""

    key: str
    value: str | None
    leased: bool = False


@dataclass(frozen=True, slots=True)
class Txn:
    """If every key was last modified at its revision (0: absent) do `success`, else `failure`."""

    conditions: tuple[tuple[str, int], ...]
    success: tuple[Range | Change, ...]
    failure: tuple[Range | Change, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a range showed: (key, value, revision of its last change) each, and the full count."""

    entries: tuple[tuple[str, str, int], ...]
    count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: the store's revision, whether the txn's conditions failed, a result a step."""

    revision: int
    failed: bool
    results: tuple[Shown | int, ...]  # int: how many keys a change deleted
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One change as a watch reported it."""

    key: str
    value: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class WatchResponse:
    """Events that came at `time`; `progress` is a promise that all up to `revision` were sent."""

    events: tuple[Event, ...]
    revision: int
    progress: bool
    time: int


@dataclass(frozen=True, slots=True)
class Watch:
    """One watch of `key` (`prefix`: of all keys that begin so) from `revision` on."""

    key: str
    prefix: bool
    revision: int
    responses: tuple[WatchResponse, ...]
    where: str


def recognise(head: str) -> bool:
    """Whether `head`, the beginning of a file, is an object of etcd's operations or watches."""
    return _FIRST.match(head) is not None


def recognise_folder(folder: Path) -> bool:
    """Whether `folder` holds the record of one client, or `client-*` folders."""
    return any(True for pattern in _patterns() for _ in folder.glob(pattern))


def read(path: Path) -> ForeignHistory:
    """The history in a file, in a client's folder, or in all `client-*` below a folder.

    Raises:
        HistoryError: a line is damaged or asks for what is not supported.
    """
    files = [path]
    if path.is_dir():
        files = sorted(found for pattern in _patterns() for found in path.glob(pattern))
    operations: list[ForeignOperation] = []
    watches: list[Watch] = []
    for file in files:
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        for number, line in _objects(file):
            where = f"{name} line {number}"
            try:
                if "Request" in line:
                    watches.append(_watch(line, where))
                else:
                    operations.append(_operation(line, where))
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                reason = f"no field {error}" if isinstance(error, KeyError) else str(error)
                raise HistoryError(f"{file}:{number}: {reason}", DAMAGED) from error
    whole = path.is_dir() and all(file.parent != path for file in files)
    return ForeignHistory("etcd", in_order(operations), str(path), NAME, tuple(watches), whole)


def _patterns() -> Iterator[str]:
    for name in _FILES:
        yield name
        yield f"client-*/{name}"


def _objects(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = f"{file}:{number}: not JSON ({error})"
                raise HistoryError(reason, DAMAGED) from error
            if not isinstance(value, dict):
                raise HistoryError(f"{file}:{number}: an object is expected", DAMAGED)
            yield number, value


def _operation(line: Mapping[str, Any], where: str) -> ForeignOperation:
    request, answer = line["Input"], line["Output"]
    kind = request["Type"]
    if kind not in _KINDS:
        raise ValueError(f"a request of type {kind!r} is not supported")
    asked: Any = None
    if kind == "range":
        asked = _range(request["Range"])
    elif kind == "txn":
        asked = _txn(request["Txn"])
    known = not answer["Error"]
    call, ret = _integer(line, "Call"), _integer(line, "Return")
    if ret < call:
        raise ValueError(f"Return {ret} is before Call {call}")
    return ForeignOperation(
        process=str(_integer(line, "ClientId")), action=kind, key=None, value=asked,
        result=_answer(kind, answer, asked) if known else None,
        call=call, ret=ret if known else FOREVER,
        outcome=Outcome.OK if known else Outcome.UNKNOWN, where=where,
    )  # fmt: skip


def _range(fields: Mapping[str, Any]) -> Range:
    revision = _integer(fields, "Revision", 0)
    return Range(_text(fields, "Start"), _text(fields, "End"), _integer(fields, "Limit"), revision)


def _txn(fields: Mapping[str, Any]) -> Txn:
    conditions = fields["Conditions"] or ()
    return Txn(
        tuple((_text(each, "Key"), _integer(each, "ExpectedRevision")) for each in conditions),
        tuple(_step(each) for each in fields["OperationsOnSuccess"] or ()),
        tuple(_step(each) for each in fields["OperationsOnFailure"] or ()),
    )


def _step(fields: Mapping[str, Any]) -> Range | Change:
    kind = fields["Type"]
    if kind == "range-operation":
        return _range(fields["Range"])
    if kind == "put-operation":
        put = fields["Put"]
        return Change(_text(put, "Key"), _value(put["Value"]), bool(put["LeaseID"]))
    if kind == "delete-operation":
        return Change(_text(fields["Delete"], "Key"), None)
    raise ValueError(f"a step of type {kind!r} is not supported")


def _answer(kind: str, fields: Mapping[str, Any], asked: Any) -> Answer:
    revision, partial = _integer(fields, "Revision"), bool(fields.get("PartialResponse"))
    if kind == "range" and fields["Range"]:
        return Answer(revision, False, (_shown(fields["Range"]),), partial)
    if kind == "range" and not partial:
        raise ValueError("the answer to a range has no 'Range'")
    if kind != "txn" or partial:
        return Answer(revision, False, (), partial)
    txn = fields["Txn"]
    failed = bool(txn["Failure"])
    steps = asked.failure if failed else asked.success
    results = txn["Results"] or ()
    if len(results) != len(steps):
        raise ValueError(f"{len(results)} results for {len(steps)} steps of the txn")
    shown = tuple(
        _shown(each) if isinstance(step, Range) else _integer(each, "Deleted")
        for step, each in zip(steps, results, strict=True)
    )
    return Answer(revision, failed, shown)


def _shown(fields: Mapping[str, Any]) -> Shown:
    entries = tuple(
        (_text(each, "Key"), _value(each["Value"]), _integer(each, "ModRevision"))
        for each in fields["KVs"] or ()
    )
    return Shown(entries, _integer(fields, "Count"))


def _value(fields: Mapping[str, Any]) -> str:
    """The text, or the hash that stands in the file for a long one."""
    return f"#{fields['Hash']}" if fields["Hash"] else _text(fields, "Value")


def _watch(line: Mapping[str, Any], where: str) -> Watch:
    request = line["Request"]
    responses = tuple(_response(each) for each in line["Responses"] or ())
    prefix, revision = bool(request["WithPrefix"]), _integer(request, "Revision")
    return Watch(_text(request, "Key"), prefix, revision, responses, where)


def _response(fields: Mapping[str, Any]) -> WatchResponse:
    events = tuple(
        Event(
            _text(each, "Key"),
            _value(each["Value"]) if each["Type"] == "put-operation" else None,
            _integer(each, "Revision"),
        )
        for each in fields["Events"] or ()
    )
    progress = bool(fields["IsProgressNotify"])
    return WatchResponse(events, _integer(fields, "Revision"), progress, _integer(fields, "Time"))


def _integer(fields: Mapping[str, Any], name: str, absent: int | None = None) -> int:
    value = fields.get(name, absent) if absent is not None else fields[name]
    if type(value) is not int or abs(value) >= FOREVER:
        raise ValueError(f"the field {name!r} is no integer: {str(value)[:40]}")
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise ValueError(f"the field {name!r} is no text: {str(value)[:40]}")
    return value
