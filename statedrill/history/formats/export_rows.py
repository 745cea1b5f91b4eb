"""Turns the rows of one part into lines of Jepsen's EDN, in the order of time.

Every line begins with its time and whether it is an answer, so that lines of several parts sort
as text; equal stamps put calls first, because they are concurrent. Knows the shapes that
`export` describes; opens no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from statedrill.errors import HistoryError
from statedrill.history.columns import Names
from statedrill.history.operation import ABSENT, ALIEN, FOREIGN, FOREVER, INITIAL, LAST_ID, NOTHING
from statedrill.history.store import Part
from statedrill.vocabulary import Kind, Model, Outcome

FAMILIES = ("registers", "logs", "sets", "sets-with-removal")
_CHUNK = 50_000
_COLUMNS = ("call", "ret", "session", "lane", "object", "kind", "outcome", "wid", "read_wid",
            "element")  # fmt: skip
_MODELS = {
    "registers": (Model.REGISTER,),
    "logs": (Model.LOG, Model.ORDERS),
    "sets": (Model.SET,),
    "sets-with-removal": (Model.SET,),
}
_SHOWN = {INITIAL: "nil", ABSENT: ":absent", ALIEN: ":phantom", FOREIGN: ":leak"}
_LISTED = {ALIEN: -1, FOREIGN: -2, ABSENT: -3}
_ENDS = {
    Outcome.OK: "ok",
    Outcome.FAILED: "fail",
    Outcome.UNKNOWN: "info",
    Outcome.ACCEPTED: "info",
}

_Row = dict[str, Any]


class Exporter:
    """Makes lines; `processes_apart` parts never share a process number."""

    def __init__(self, names: Names, processes_apart: int) -> None:
        self.names, self.processes_apart = names, processes_apart

    def lines(self, part: Part, number: int) -> Iterator[tuple[str, Iterator[str]]]:
        """(family, its lines in the order of time) of every family that `part` has."""
        removing = _removing(part)
        for family in FAMILIES:
            codes = [code for code, model in self.names.models.items() if model in _MODELS[family]]
            chosen = np.isin(part["object"], codes)
            if family.startswith("sets"):
                chosen &= removing == (family == "sets-with-removal")
            rows = np.flatnonzero(chosen)
            if len(rows):
                yield family, self._lines(family, part, rows, number)

    def _lines(
        self, family: str, part: Part, rows: np.ndarray[Any, Any], number: int
    ) -> Iterator[str]:
        processes = _Processes(number, self.processes_apart)
        call, answer = _SHAPES[family]
        for is_answer, row in _events(part, rows):
            key = f'"{row["session"]}/{self.names.objects[row["object"]]}"'
            if is_answer:
                end, said = answer(row, key)
                time, process = row["ret"], processes.end(row, end)
            else:
                end, said = "invoke", call(row, key)
                time, process = row["call"], processes.begin(row)
            yield (
                f"{time:019d}{is_answer} "
                f":time {time}, :process {process}, :type :{end}, :f :{_f(family, row)}, "
                f":value {said}}}\n"
            )


class _Processes:
    """A process number for every call: a lane's own, a fresh one after an unknown outcome."""

    def __init__(self, first: int, step: int) -> None:
        self._next, self._step = first, step
        self._idle: dict[tuple[int, int], list[int]] = {}
        self._busy: dict[int, int] = {}

    def begin(self, row: _Row) -> int:
        idle = self._idle.get((row["session"], row["lane"]))
        if idle:
            process = idle.pop()
        else:
            process, self._next = self._next, self._next + self._step
        self._busy[row["row"]] = process
        return process

    def end(self, row: _Row, end: str) -> int:
        process = self._busy.pop(row["row"])
        if end != "info":
            self._idle.setdefault((row["session"], row["lane"]), []).append(process)
        return process


def _events(part: Part, rows: np.ndarray[Any, Any]) -> Iterator[tuple[int, _Row]]:
    """(0: call, 1: answer; the row) in the order of time, gathered a chunk at a time."""
    ended = rows[part["ret"][rows] < FOREVER]
    both = np.concatenate([rows, ended])
    answers = np.repeat([0, 1], [len(rows), len(ended)])
    times = np.concatenate([part["call"][rows], part["ret"][ended]])
    order = np.lexsort((answers, times))
    for begin in range(0, len(order), _CHUNK):
        chosen = order[begin : begin + _CHUNK]
        numbers = both[chosen]
        columns = [part[name][numbers].tolist() for name in _COLUMNS]
        listed = part.listed[numbers].tolist()
        for is_answer, row, has_list, *values in zip(
            answers[chosen].tolist(), numbers.tolist(), listed, *columns, strict=True
        ):
            fields = dict(zip(_COLUMNS, values, strict=True))
            fields["row"] = row
            fields["items"] = None
            if has_list and is_answer:
                fields["items"] = part.values[part.offsets[row] : part.offsets[row + 1]].tolist()
            yield is_answer, fields


def _removing(part: Part) -> np.ndarray[Any, Any]:
    """For every row whether its object is ever asked to remove something."""
    owner = part["session"].astype(np.int64) << 16 | part["object"]
    removes = np.isin(part["kind"], (Kind.REMOVE, Kind.CLEAR))
    return np.isin(owner, np.unique(owner[removes]))


def _f(family: str, row: _Row) -> str:
    if family == "logs":
        return "txn"
    return {Kind.READ: "read", Kind.PUT: "write"}.get(row["kind"]) or Kind(row["kind"]).name.lower()


def _end(row: _Row, shown: bool) -> str:
    """How the answer ends: what a read did not show and what was only replayed did not happen."""
    if row["kind"] == Kind.READ:
        return "ok" if row["outcome"] == Outcome.OK and shown else "fail"
    if row["read_wid"] != row["wid"] and 0 < row["read_wid"] <= LAST_ID:
        return "fail"
    return _ENDS[row["outcome"]]


def _allow(row: _Row, *kinds: Kind) -> None:
    if row["kind"] not in (Kind.READ, *kinds):
        raise HistoryError(
            f"object {row['object']} of session {row['session']}: {Kind(row['kind']).name} has no "
            "counterpart in Jepsen's histories of this model",
            "such a history cannot be exported",
        )


def _register_call(row: _Row, key: str) -> str:
    _allow(row, Kind.PUT)
    return f"[{key} {'nil' if row['kind'] == Kind.READ else row['wid']}]"


def _register_answer(row: _Row, key: str) -> tuple[str, str]:
    end = _end(row, row["read_wid"] != NOTHING)
    if row["kind"] == Kind.READ and end == "ok":
        return end, f"[{key} {_SHOWN.get(row['read_wid'], row['read_wid'])}]"
    return end, _register_call(row, key)


def _log_call(row: _Row, key: str) -> str:
    _allow(row, Kind.APPEND, Kind.ADD, Kind.PUT)
    if row["kind"] == Kind.READ:
        return f"[[:r {key} nil]]"
    return f"[[:append {key} {row['wid']}]]"


def _log_answer(row: _Row, key: str) -> tuple[str, str]:
    end = _end(row, _items(row) is not None)
    if row["kind"] == Kind.READ and end == "ok":
        return end, f"[[:r {key} [{_joined(_items(row))}]]]"
    return end, _log_call(row, key)


def _set_call(row: _Row, key: str) -> str:
    _allow(row, Kind.ADD, Kind.REMOVE, Kind.CLEAR)
    element = {Kind.ADD: row["wid"], Kind.REMOVE: _listed(row["element"])}
    return f"[{key} {element.get(row['kind'], 'nil')}]"


def _set_answer(row: _Row, key: str) -> tuple[str, str]:
    items = _items(row)
    end = _end(row, items is not None)
    if row["kind"] != Kind.READ or end != "ok" or items is None:
        return end, _set_call(row, key)
    # A set cannot say that an element is there twice; a vector can.
    opened = "#{" if len(set(items)) == len(items) else "["
    closed = "}" if opened == "#{" else "]"
    return end, f"[{key} {opened}{_joined(items)}{closed}]"


def _items(row: _Row) -> list[int] | None:
    """The ids that a read showed; an object that was never written is empty; None: not shown."""
    if row["items"] is None:
        return [] if row["read_wid"] == INITIAL else None
    return [_listed(each) for each in row["items"]]


def _listed(number: int) -> int:
    return _LISTED.get(number, number)


def _joined(items: list[int] | None) -> str:
    return " ".join(map(str, items or ()))


_Shape = tuple[Callable[[_Row, str], str], Callable[[_Row, str], tuple[str, str]]]
_SHAPES: dict[str, _Shape] = {
    "registers": (_register_call, _register_answer),
    "logs": (_log_call, _log_answer),
    "sets": (_set_call, _set_answer),
    "sets-with-removal": (_set_call, _set_answer),
}
