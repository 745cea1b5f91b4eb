"""Reads Porcupine's key-value histories: EDN maps with get, put and append of texts by `:key`.

Knows nothing of verdicts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from statedrill.errors import HistoryError
from statedrill.history.formats.edn import Reader
from statedrill.history.formats.external import DAMAGED, Entry, ForeignHistory, Pairing

NAME = "porcupine-kv"
_FIELDS = ("process", "type", "f", "key", "value")


def recognise(head: str) -> bool:
    """Whether `head`, the beginning of a file, holds get, put or append with a `:key`."""
    try:
        _, value = next(Reader(head, "", unwrap=True).forms())
    except (HistoryError, StopIteration):
        return False
    return isinstance(value, dict) and value.get("f") in ("get", "put", "append") and "key" in value


def read(path: Path) -> ForeignHistory:
    """The history in `path`; every key starts as the empty text.

    Raises:
        HistoryError: a line is damaged or of another kind.
    """
    pairing = Pairing(str(path))
    for number, value in Reader(path.read_text(encoding="utf-8"), str(path), unwrap=True).forms():
        entry = _entry(value, number, path)
        pairing.add(entry, value["value"] if entry.action == "get" else None)
    return ForeignHistory("kv", pairing.finish(), str(path), NAME)


def _entry(value: Any, line: int, path: Path) -> Entry:
    if not isinstance(value, dict) or not all(name in value for name in _FIELDS):
        raise HistoryError(f"{path}:{line}: a map with {', '.join(_FIELDS)} is expected", DAMAGED)
    action, kind, text = str(value["f"]), str(value["type"]), value["value"]
    if action not in ("get", "put", "append"):
        raise HistoryError(f"{path}:{line}: the operation :{action} is not supported", DAMAGED)
    if kind not in ("invoke", "ok", "fail", "info"):
        raise HistoryError(f"{path}:{line}: :type {kind!r} is none of Jepsen's", DAMAGED)
    shown = action != "get" or kind == "ok"
    if shown and not isinstance(text, str):
        raise HistoryError(f"{path}:{line}: a text is expected as :value, not {text!r}", DAMAGED)
    try:
        hash(value["key"])
    except TypeError:
        raise HistoryError(f"{path}:{line}: a map as :key is not supported", DAMAGED) from None
    argument = None if action == "get" else text
    return Entry(str(value["process"]), kind, action, value["key"], argument, line)
