"""Reads Jepsen's `history.edn`: a map for every call and every answer, one a line or one vector.

The `:f` says the workload: read, write, cas (register); add, remove, clear, read (set); txn
with one micro-operation each (append and r: a log; w and r: a register). Values `[key value]`
are jepsen.independent's. Order is the order in the file, as everywhere in Jepsen. Knows nothing
of verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from statedrill.errors import HistoryError
from statedrill.history.formats.edn import Reader, Tagged
from statedrill.history.formats.external import ANY_ACTION, DAMAGED, Entry, ForeignHistory, Pairing

NAME = "jepsen-edn"
_TYPES = frozenset({"invoke", "ok", "fail", "info"})
_WORKLOADS = ("read", "write", "cas", "add")
_MICRO = {"append": "append", "w": "write", "r": "read"}
_UNSUPPORTED = (
    "supported are register, cas-register, set, and transactions of one micro-operation "
    "(append/r, w/r); for others use Elle or Knossos"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One map of the file, its fields checked."""

    line: int
    process: str
    type: str
    f: str
    value: Any


def recognise(head: str) -> bool:
    """Whether `head`, the beginning of a file, holds Jepsen's maps."""
    for value in _first_maps(head):
        if "process" in value and "type" in value and "f" in value:
            return "key" not in value
    return False


def read(path: Path) -> ForeignHistory:
    """The history in `path`.

    Raises:
        HistoryError: not EDN, not a Jepsen history, or a work that is not supported.
    """
    text = path.read_text(encoding="utf-8")
    return history_of(list(lines(text, str(path))), str(path), NAME)


def lines(text: str, source: str) -> Iterator[Line]:
    """Every operation of a client; those of the nemesis are left out."""
    for number, form in Reader(text, source, unwrap=True).forms():
        value = form.value if isinstance(form, Tagged) else form
        if not isinstance(value, dict):
            raise HistoryError(f"{source}:{number}: a map is expected, not {value!r}", DAMAGED)
        missing = [name for name in ("process", "type", "f") if name not in value]
        if missing:
            raise HistoryError(f"{source}:{number}: no :{missing[0]} in this map", DAMAGED)
        kind = value["type"]
        if not isinstance(kind, str) or kind not in _TYPES:
            raise HistoryError(f"{source}:{number}: :type {kind!r} is none of Jepsen's", DAMAGED)
        if isinstance(value["process"], int):
            process, f = str(value["process"]), str(value["f"])
            yield Line(number, process, str(kind), f, value.get("value"))


def history_of(found: list[Line], source: str, name: str) -> ForeignHistory:
    """Join calls and answers; the `:f` of all lines says which workload it is.

    Raises:
        HistoryError: the work is not supported, or calls and answers do not fit.
    """
    reader = _Work(found, source)
    pairing = Pairing(source)
    for line in found:
        entry, result = reader.entry(line)
        pairing.add(entry, result)
    return ForeignHistory(reader.model, pairing.finish(), source, name)


class _Work:
    """What the clients of one history do, and so how their values are read."""

    def __init__(self, found: list[Line], source: str) -> None:
        self.source = source
        self.model = self._model(found)
        self.keyed = self._keyed(found)

    def entry(self, line: Line) -> tuple[Entry, Any]:
        """One line in the neutral form, with what it shows."""
        if line.f == "txn":
            return self._micro_operation(line)
        key, value = None, line.value
        if self.keyed and line.type in ("invoke", "ok"):
            if not _pair(value):
                self._fail(line, f"[key value] is expected as in other lines, not {value!r}")
            key, value = value
        return self._plain(line, line.f, key, value)

    def _plain(self, line: Line, action: str, key: Any, value: Any) -> tuple[Entry, Any]:
        argument = value
        if action == "cas" and line.type == "invoke" and not _pair(value):
            self._fail(line, f"[old new] is expected, not {value!r}")
        if action in ("read", "clear"):
            argument = None
        result = value if action == "read" else None
        if line.type == "ok" and action == "read" and self.model == "set":
            result = self._elements(line, value)
        self._hashable(line, (key, argument, result))
        return Entry(line.process, line.type, action, key, argument, line.line), result

    def _micro_operation(self, line: Line) -> tuple[Entry, Any]:
        if line.type in ("fail", "info"):
            return Entry(line.process, line.type, ANY_ACTION, None, None, line.line), None
        micros = _micros(line)
        if len(micros) != 1 or micros != list(line.value) or len(micros[0]) != 3:
            self._fail(line, "a transaction of more or less than one micro-operation", True)
        action, key, value = micros[0]
        if not isinstance(action, str) or action not in _MICRO:
            self._fail(line, f"the micro-operation {action!r}", True)
        plain = _MICRO[action]
        result = value if plain == "read" else None
        if plain == "read" and self.model == "append-log" and line.type == "ok":
            if not isinstance(value, tuple | None):
                self._fail(line, f"a list is expected as the read's value, not {value!r}")
            result = value or ()
        argument = None if plain == "read" else value
        self._hashable(line, (key, argument, result))
        return Entry(line.process, line.type, plain, key, argument, line.line), result

    def _elements(self, line: Line, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, tuple | frozenset | None):
            self._fail(line, f"a set or list is expected as the read's value, not {value!r}")
        return tuple(value or ())

    def _model(self, found: list[Line]) -> str:
        actions = {line.f for line in found}
        if actions == {"txn"}:
            micro = [each[0] for line in found if line.type == "invoke" for each in _micros(line)]
            return "append-log" if "append" in micro else "register"
        if actions <= {"read", "write", "cas"}:
            return "cas-register" if "cas" in actions else "register"
        if "add" in actions and actions <= {"read", "add", "remove", "clear"}:
            return "set"
        foreign = next((line for line in found if line.f not in _WORKLOADS), None)
        if foreign is None:
            return self._fail(found[0], f"a history of {', '.join(sorted(actions))} together", True)
        return self._fail(foreign, f"the operation :{foreign.f}", True)

    def _keyed(self, found: Iterable[Line]) -> bool:
        for line in found:
            if line.type == "invoke" and line.f != "txn":
                if line.f == "cas":
                    return _pair(line.value) and _pair(line.value[1])
                return _pair(line.value)
        return False

    def _hashable(self, line: Line, values: tuple[Any, ...]) -> None:
        try:
            hash(values)
        except TypeError:
            self._fail(line, "a map as a value", True)

    def _fail(self, line: Line, reason: str, unsupported: bool = False) -> NoReturn:
        tail, hint = (" is not supported", _UNSUPPORTED) if unsupported else ("", DAMAGED)
        raise HistoryError(f"{self.source}:{line.line}: {reason}{tail}", hint)


def _pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def _micros(line: Line) -> list[tuple[Any, ...]]:
    micros = line.value if isinstance(line.value, tuple) else ()
    return [each for each in micros if isinstance(each, tuple) and each]


def _first_maps(head: str) -> Iterator[dict[Any, Any]]:
    try:
        for _, form in Reader(head, "", unwrap=True).forms():
            value = form.value if isinstance(form, Tagged) else form
            if not isinstance(value, dict):
                return
            yield value
    except HistoryError:
        return
