"""Turns the recorders' lines into the Parquet file, in bounded memory.

Each line is read once; rows are split by session into parts that are spilled to disk, then each
part is sorted and written. The numbers of names, which differ between load processes, are made
one. The lines stay where they are: they are the original.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from statedrill.errors import HistoryError
from statedrill.history.columns import (
    ARROW_SCHEMA,
    LISTS,
    NUMERIC,
    ROWS_PER_PART,
    Names,
    Writers,
    phase_windows,
    write_parts,
)
from statedrill.history.events import read_events
from statedrill.history.operation import SCHEMA, open_mark
from statedrill.vocabulary import Model

_CHUNK = 50_000
_TABLES = {"object": "objects", "op": "ops", "instance": "instances"}


def pack(folder: Path) -> None:
    """Write `operations.parquet` from every `operations-*.jsonl` in `folder`.

    Raises:
        HistoryError: there is none and no event either (a drill that was stopped before its load
            began has an empty history), or a line other than a torn last one is damaged.
    """
    files = sorted(folder.glob("operations-*.jsonl"))
    if not files and not (folder / "events.jsonl").exists():
        raise HistoryError(
            f"{folder}: no history here (no operations.parquet, no operations-*.jsonl)",
            "name the folder of a run, such as reports/<time>-<pattern>-<experiment>",
        )
    part_count = max(1, -(-sum(_count_lines(path) for path in files) // ROWS_PER_PART))
    windows = phase_windows(read_events(folder / "events.jsonl"))
    reader = _Reader()
    spill = Path(tempfile.mkdtemp(prefix="pack-", dir=folder))
    try:
        writers = [
            pa.ipc.new_file(str(spill / f"{number}.arrow"), ARROW_SCHEMA)
            for number in range(part_count)
        ]
        for table in chain.from_iterable(reader.tables(path, windows) for path in files):
            home = table["session"].to_numpy() % part_count
            for number, writer in enumerate(writers):
                writer.write_table(table.filter(pa.array(home == number)))
        for writer in writers:
            writer.close()
        parts = (
            pa.ipc.open_file(str(spill / f"{number}.arrow")).read_all()
            for number in range(part_count)
        )
        write_parts(folder, reader.run, reader.names, parts, reader.writers)
    finally:
        shutil.rmtree(spill, ignore_errors=True)


class _Reader:
    """Reads the files of all load processes of one run into tables with common names."""

    def __init__(self) -> None:
        self.run = ""
        self.names = Names()
        self.writers = Writers()

    def tables(self, path: Path, windows: list[tuple[Any, int, int]]) -> Iterator[pa.Table]:
        """The rows of one file, some at a time.

        Raises:
            HistoryError: a line is JSON, but none that a recorder writes.
        """
        try:
            yield from self._tables(path, windows)
        except (LookupError, TypeError, ValueError, OverflowError, pa.ArrowException) as error:
            raise HistoryError(
                f"{path}: a line is not what a recorder writes ({type(error).__name__}: {error})",
                "the file is damaged: restore it from a copy, or repeat the drill",
            ) from error

    def _tables(self, path: Path, windows: list[tuple[Any, int, int]]) -> Iterator[pa.Table]:
        worker, ended = int(path.stem.rpartition("-")[2]), False
        columns: list[str] = []
        codes: dict[str, dict[int, int]] = {table: {0: 0} for table in _TABLES}
        rows: list[list[Any]] = []
        for line in _json_lines(path):
            ended = False
            if isinstance(line, list):
                rows.append(line)
                if len(rows) >= _CHUNK:
                    yield _table(rows, columns, codes, windows)
                    rows = []
            elif "columns" in line:
                self._header(path, line)
                columns = line["columns"]
            elif "table" in line:
                codes[line["table"]][line["code"]] = self._name(line)
            else:
                ended = bool(line.get("end"))
        if rows:
            yield _table(rows, columns, codes, windows)
        if not ended or (path.parent / open_mark(worker)).exists():
            self.writers.incomplete.append(worker)

    def _header(self, path: Path, line: dict[str, Any]) -> None:
        if line.get("schema") != SCHEMA or (self.run and line.get("run") != self.run):
            raise HistoryError(
                f"{path}:1: schema {line.get('schema')}, run {line.get('run')!r} do not fit "
                f"schema {SCHEMA}, run {self.run or 'any'!r}",
                "put only the files of one run, made by this version, into one folder",
            )
        self.run = str(line["run"])
        if line.get("machine"):
            self.writers.machines[int(line["worker"])] = str(line["machine"])

    def _name(self, line: dict[str, Any]) -> int:
        names: dict[int, str] = getattr(self.names, _TABLES[line["table"]])
        for code, name in names.items():
            if name == line["name"]:
                return code
        code = len(names) + 1
        names[code] = line["name"]
        if "model" in line:
            self.names.models[code] = Model(line["model"])
        return code


def _table(
    rows: list[list[Any]],
    columns: list[str],
    codes: dict[str, dict[int, int]],
    windows: list[tuple[Any, int, int]],
) -> pa.Table:
    raw = dict(zip(columns, zip(*rows, strict=True), strict=True))
    arrays: dict[str, Any] = {}
    for name, dtype in NUMERIC.items():
        if name in codes:
            arrays[name] = _renumber(raw[name], codes[name]).astype(dtype)
        elif name != "phase":
            arrays[name] = np.array(raw[name], dtype=dtype)
    arrays["phase"] = _phases(arrays["call"], windows)
    for name in LISTS:
        arrays[name] = pa.array(raw[name], pa.list_(pa.uint32()))
    arrays["note"] = pa.array(raw["note"], pa.string())
    return pa.table(arrays, schema=ARROW_SCHEMA)


def _renumber(column: tuple[int, ...], codes: dict[int, int]) -> np.ndarray[Any, Any]:
    """The common number of each local one; HistoryError where a number was never given a name."""
    local = np.array(column, dtype=np.int64)
    lookup = np.full(max(*codes, int(local.max())) + 1, -1, dtype=np.int64)
    lookup[list(codes)] = list(codes.values())
    common = lookup[local]
    if (common < 0).any():
        unnamed = int(local[common < 0][0])
        raise HistoryError(
            f"a row uses the number {unnamed}, but no line before it says what it names",
            "the file is damaged: restore it from a copy, or repeat the drill",
        )
    return common


def _phases(call: np.ndarray[Any, Any], windows: list[tuple[Any, int, int]]) -> Any:
    phases = np.zeros(len(call), dtype=np.uint8)
    for phase, begin, _ in windows:
        phases[call >= begin] = int(phase)
    return phases


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _json_lines(path: Path) -> Iterator[Any]:
    """Every line's value; for a torn last line (a crash) only that it is torn."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                if not line.endswith(b"\n"):
                    yield {"torn": True}
                    return
                raise HistoryError(
                    f"{path}:{number}: not JSON ({error})",
                    "the file is damaged: restore it from a copy, or repeat the drill",
                ) from error
