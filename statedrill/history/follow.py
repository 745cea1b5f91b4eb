"""Reads records that still grow: JSON lines that other processes append to their files.

A line counts when its end has been written; half a line waits for the next look. Knows the form of
the recorders' files; knows nothing of what a drill or a viewer wants from them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

from statedrill.vocabulary import Kind

_TAIL_BYTES = 4096  # more than the longest line that ends a record


class LineFollower:
    """The lines appended to the file `path`, which may not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def new_lines(self) -> list[Any]:
        """Every line that was completed since the last call, parsed as JSON, oldest first.

        Raises:
            orjson.JSONDecodeError: a whole line is no JSON.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._offset += len(whole) + len(newline)
        return [orjson.loads(line) for line in whole.split(b"\n") if line]


class OperationFollower:
    """The operations appended to one recorder's file, with names instead of numbers."""

    def __init__(self, path: Path) -> None:
        self._lines = LineFollower(path)
        self._columns: list[str] = []
        self._names: dict[tuple[str, int], str] = {}

    def new_operations(self) -> list[dict[str, Any]]:
        """Every operation recorded since the last call: column -> value.

        `op` and `instance` are names ("" where the record has none), `kind` is the name of the
        kind in lower case; the times are in ns on the run's clock.
        """
        rows = []
        for line in self._lines.new_lines():
            if isinstance(line, list):
                rows.append(self._row(line))
            elif "columns" in line:
                self._columns = line["columns"]
            elif "table" in line:
                self._names[line["table"], line["code"]] = line["name"]
        return rows

    def _row(self, values: list[Any]) -> dict[str, Any]:
        row = dict(zip(self._columns, values, strict=True))
        for table in ("op", "instance"):
            row[table] = self._names.get((table, row[table]), "")
        row["kind"] = Kind(row["kind"]).name.lower()
        return row


def all_recorders_ended(folder: Path) -> bool:
    """Whether every recorder that wrote operations into `folder` said that its record is whole.

    False when there is no record at all.
    """
    paths = list(folder.glob("operations-*.jsonl"))
    return bool(paths) and all(_ends_with_end_mark(path) for path in paths)


def _ends_with_end_mark(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        *_, last, rest = (b"\n" + file.read()).split(b"\n")
    if rest or not last:
        return False
    try:
        value = orjson.loads(last)
    except orjson.JSONDecodeError:  # the tail of an operation longer than what was read
        return False
    return isinstance(value, dict) and value.get("end") is True
