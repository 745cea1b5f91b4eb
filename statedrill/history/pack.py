"""Turns the recorders' lines into the Parquet file, in bounded memory.

Each line is read once; rows are split by session into parts that are spilled to disk, then each
part is sorted and written. The numbers of names, which differ between load processes, are made
one. The lines stay where they are: they are the original.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import orjson
import pyarrow as pa

from statedrill.errors import HistoryError
from statedrill.history.columns import (
    ARROW_SCHEMA,
    LISTS,
    NUMERIC,
    ROWS_PER_PART,
    Array,
    LoadProcesses,
    Names,
    impossible_value,
    phase_windows,
    write_parts,
)
from statedrill.history.events import read_events
from statedrill.history.lines import DAMAGED
from statedrill.history.operation import SCHEMA, open_mark
from statedrill.history.recorder import COLUMNS
from statedrill.history.spill import spill_folder
from statedrill.vocabulary import Model, Phase

_CHUNK = 50_000
_TABLES = {"object": "objects", "op": "ops", "instance": "instances"}
_MOST_NAMES = 1 << 16  # codes are u16
_Windows: TypeAlias = list[tuple[Phase, int, int]]
_Row: TypeAlias = list[Any]  # a JSON array in the order of COLUMNS


def pack(folder: Path) -> None:
    """Write `operations.parquet` from every `operations-*.jsonl` in `folder`.

    Parts that an earlier program spilled there, and was killed over, are removed first.

    Raises:
        HistoryError: there is none and no event either (a drill that was stopped before its load
            began has an empty history), or a line other than a torn last one is damaged.
    """
    files = _recorded_files(folder)
    if not files and not (folder / "events.jsonl").exists():
        raise HistoryError(
            f"{folder}: no history here (no operations.parquet, no operations-*.jsonl)",
            "name the folder of a run, such as reports/<time>-<pattern>-<experiment>",
        )
    part_count = max(1, -(-sum(_count_lines(path) for path in files) // ROWS_PER_PART))
    windows = phase_windows(read_events(folder / "events.jsonl"))
    record = _Record(windows)
    record.processes.sources.update(_sizes(files))  # before they are read
    with spill_folder(folder) as spill:
        writers = [
            pa.ipc.new_file(str(spill / f"{number}.arrow"), ARROW_SCHEMA)
            for number in range(part_count)
        ]
        for table in chain.from_iterable(record.tables(path) for path in files):
            home = table["session"].to_numpy() % part_count
            for number, writer in enumerate(writers):
                writer.write_table(table.filter(pa.array(home == number)))
        for writer in writers:
            writer.close()
        parts = (
            pa.ipc.open_file(str(spill / f"{number}.arrow")).read_all()
            for number in range(part_count)
        )
        write_parts(folder, record.run, record.names, parts, record.processes)


def has_grown(folder: Path, packed: Mapping[str, int]) -> bool:
    """Whether `folder` has more lines than were `packed` (bytes of each file; empty: not known):
    then they were packed while a drill was under way.
    """
    sizes = _sizes(_recorded_files(folder))
    return bool(packed) and any(size > packed.get(name, 0) for name, size in sizes.items())


def _recorded_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("operations-*.jsonl"))


def _sizes(files: Iterable[Path]) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in files}


class _Record:
    """The files of all load processes of one run, read into tables with common names."""

    def __init__(self, windows: _Windows) -> None:
        self.run = ""
        self.names = Names()
        self.processes = LoadProcesses()
        self.windows = windows

    def tables(self, path: Path) -> Iterator[pa.Table]:
        """The rows of one file, some at a time.

        Raises:
            HistoryError: a line is JSON, but none that a recorder writes.
        """
        file = _RecorderFile(path, self)
        for number, line in _json_lines(path):
            try:
                file.add(number, line)
            except _BAD_LINE as error:
                raise _damaged(path, number, error) from error
            if len(file.rows) >= _CHUNK:
                yield file.take_table()
        if file.rows:
            yield file.take_table()
        if not file.ended or (path.parent / open_mark(file.worker)).exists():
            self.processes.incomplete.append(file.worker)


_BAD_LINE = (LookupError, TypeError, ValueError, OverflowError, AttributeError, pa.ArrowException)


class _RecorderFile:
    """One file of a recorder, line by line; `rows` are those that are in no table yet."""

    def __init__(self, path: Path, record: _Record) -> None:
        self.path, self.record = path, record
        self.worker = _worker(path)
        self.ended = False
        self.rows: list[_Row] = []
        self._numbers: list[int] = []  # of the rows' lines
        self._columns: list[str] = []
        self._codes: dict[str, dict[int, int]] = {table: {0: 0} for table in _TABLES}

    def add(self, number: int, line: object) -> None:
        """Take the value of line `number`."""
        self.ended = False
        if isinstance(line, list):
            self.rows.append(line)
            self._numbers.append(number)
        elif not isinstance(line, dict):
            raise TypeError("neither an array nor an object")
        elif "columns" in line:
            self._header(number, line)
        elif "table" in line:
            self._codes[line["table"]][_code(line["code"])] = self._name(line)
        else:
            self.ended = bool(line.get("end"))

    def take_table(self) -> pa.Table:
        """The rows so far as a table with the common names.

        Raises:
            HistoryError: one of them is none that a recorder writes; its line is named.
        """
        rows, numbers = self.rows, self._numbers
        self.rows, self._numbers = [], []
        try:
            return self._table(rows)
        except _BAD_LINE as error:
            for number, row in zip(numbers, rows, strict=True):
                try:
                    if len(row) != len(self._columns):
                        raise ValueError(f"{len(row)} values for {len(self._columns)} columns")
                    self._table([row])
                except _BAD_LINE as one:
                    raise _damaged(self.path, number, one) from one
            raise _damaged(self.path, numbers[0], error) from error

    def _table(self, rows: list[_Row]) -> pa.Table:
        raw = dict(zip(self._columns, zip(*rows, strict=True), strict=True))
        arrays: dict[str, Any] = {}
        for name, dtype in NUMERIC.items():
            if name in self._codes:
                arrays[name] = _renumber(raw[name], self._codes[name]).astype(dtype)
            elif name != "phase":
                arrays[name] = np.array(raw[name], dtype=dtype)
        arrays["phase"] = _phases(arrays["call"], self.record.windows)
        if wrong := impossible_value(arrays, self.record.names):
            raise ValueError(wrong)
        for name in LISTS:
            arrays[name] = pa.array(raw[name], pa.list_(pa.uint32()))
        arrays["note"] = pa.array(raw["note"], pa.string())
        return pa.table(arrays, schema=ARROW_SCHEMA)

    def _header(self, number: int, line: dict[str, Any]) -> None:
        run = self.record.run
        if line.get("schema") != SCHEMA or (run and line.get("run") != run):
            raise HistoryError(
                f"{self.path}:{number}: schema {line.get('schema')}, run {line.get('run')!r} do "
                f"not fit schema {SCHEMA}, run {run or 'any'!r}",
                "put only the files of one run, made by this version, into one folder",
            )
        if sorted(line["columns"]) != sorted(COLUMNS):
            raise ValueError(f"the columns of schema {SCHEMA} are {', '.join(COLUMNS)}")
        self._columns = line["columns"]
        self.record.run = str(line["run"])
        if line.get("machine"):
            self.record.processes.machines[int(line["worker"])] = str(line["machine"])

    def _name(self, line: dict[str, Any]) -> int:
        """The common number of what a line names."""
        text = line["name"]
        if not isinstance(text, str):
            raise TypeError("a name is no text")
        names: dict[int, str] = getattr(self.record.names, _TABLES[line["table"]])
        for code, name in names.items():
            if name == text:
                return code
        code = _code(len(names) + 1)
        names[code] = text
        if "model" in line:
            self.record.names.models[code] = Model(line["model"])
        return code


def _worker(path: Path) -> int:
    """The number of the load process in the name of its file.

    Raises:
        HistoryError: there is none: a copy of a record, say, would be counted twice.
    """
    number = path.stem.removeprefix("operations-")
    if not (number.isascii() and number.isdecimal()):
        raise HistoryError(
            f"{path}: not the record of a load process (operations-<number>.jsonl)",
            "move the file out of the folder",
        )
    return int(number)


def _code(number: object) -> int:
    """`number` as one that may stand for a name."""
    if type(number) is int and 0 < number < _MOST_NAMES:
        return number
    raise ValueError(f"{number!r} cannot stand for a name")


def _renumber(column: tuple[int, ...], codes: dict[int, int]) -> Array:
    """The common number of each local one.

    Raises:
        ValueError: a number was never given a name.
    """
    local = np.array(column, dtype=np.uint16)
    lookup = np.full(_MOST_NAMES, -1, dtype=np.int64)
    lookup[list(codes)] = list(codes.values())
    common = lookup[local]
    if (common < 0).any():
        unnamed = int(local[common < 0][0])
        raise ValueError(
            f"it uses the number {unnamed}, but no line before it says what that names"
        )
    return common


def _phases(call: Array, windows: _Windows) -> Array:
    phases = np.zeros(len(call), dtype=np.uint8)
    for phase, begin, _ in windows:
        phases[call >= begin] = int(phase)
    return phases


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The number and value of every line; of a torn last line (a crash) only that it is torn."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield number, orjson.loads(line)
            except orjson.JSONDecodeError as error:
                if not line.endswith(b"\n"):
                    yield number, {"torn": True}
                    return
                raise HistoryError(f"{path}:{number}: not JSON ({error})", DAMAGED) from error


def _damaged(path: Path, number: int, error: Exception) -> HistoryError:
    why = f"no {error}" if isinstance(error, KeyError) else str(error)
    return HistoryError(f"{path}:{number}: the line is not what a recorder writes ({why})", DAMAGED)
