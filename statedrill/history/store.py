"""Reads a run's history: rows in parts, events, and the generator's own figures.

`operations.parquet` holds the rows grouped into parts by session (every check is per session or
per object, so parts are judged alone and memory stays bounded), in time order within a part.
Knows files and columns; knows no definition of any finding.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NotRequired

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from typing_extensions import TypedDict

from statedrill.errors import HistoryError
from statedrill.history.arrow_arrays import is_there, list_lengths, list_values, numbers
from statedrill.history.columns import (
    ARROW_SCHEMA,
    NUMERIC,
    PARQUET,
    Array,
    Names,
    impossible_value,
    phase_windows,
)
from statedrill.history.events import Event, read_events
from statedrill.history.load_line import LoadLine, read_load_lines
from statedrill.history.operation import FOREVER
from statedrill.history.pack import has_grown, pack
from statedrill.records import problem
from statedrill.vocabulary import Phase

_Unreadable = (OSError, pa.ArrowException, LookupError, TypeError, ValueError, AttributeError,
               OverflowError)  # fmt: skip


class _About(TypedDict):
    """What the packed file says of itself: (first, number) of the row groups of each part."""

    schema: int
    run: str
    rows: int
    groups: list[list[int]]
    incomplete: list[int]
    machines: NotRequired[dict[str, str]]
    sources: NotRequired[dict[str, int]]


@dataclass(frozen=True)
class Part:
    """The operations of some sessions, as equally long columns in the order of their call.

    `columns` has a numpy array per name of `NUMERIC`. `offsets`/`values` are the ids of `items`:
    row i has `values[offsets[i]:offsets[i + 1]]`; `listed[i]` tells an empty list from none.
    `logical_values` runs parallel to `values` where a row gave logical ids (else it is empty).
    """

    columns: dict[str, Array]
    listed: Array
    offsets: Array
    values: Array
    logical_offsets: Array
    logical_values: Array
    notes: pa.ChunkedArray

    def __len__(self) -> int:
        return len(self.columns["call"])

    def __getitem__(self, column: str) -> Array:
        return self.columns[column]


@dataclass(frozen=True)
class History:
    """A run's record: rows in parts, events, and the generator's own figures. Picklable.

    `incomplete` names the load processes that ended without closing their file: what they had in
    flight is not on record. `machines` names the machines of those that ran elsewhere.
    """

    folder: Path
    run: str
    names: Names
    rows: int
    groups: tuple[tuple[int, int], ...]  # (first row group, number of row groups) of each part
    incomplete: tuple[int, ...]
    events: tuple[Event, ...]
    load: tuple[LoadLine, ...]
    machines: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path) -> History:
        """The history in `folder`; packs it first where only the recorders' lines are there, and
        again where they have grown since.

        Raises:
            HistoryError: no history, or one that is damaged.
        """
        path = folder / PARQUET
        if not path.exists():
            pack(folder)
        about, names = _read_about(path)
        if has_grown(folder, about.get("sources", {})):
            pack(folder)
            about, names = _read_about(path)
        return cls(
            folder=folder,
            run=about["run"],
            names=names,
            rows=about["rows"],
            groups=tuple((first, count) for first, count in about["groups"]),
            incomplete=tuple(about["incomplete"]),
            events=tuple(read_events(folder / "events.jsonl")),
            load=tuple(read_load_lines(folder)),
            machines={int(each): name for each, name in about.get("machines", {}).items()},
        )

    def part(self, number: int) -> Part:
        """The rows of part `number`, read from disk.

        Raises:
            HistoryError: the file is damaged.
        """
        path = self.folder / PARQUET
        first, count = self.groups[number]
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                groups = range(first, first + count)
                rows = sum(file.metadata.row_group(group).num_rows for group in groups)
                # of Arrow's own copy only one row group is there at a time
                part = join((to_part(file.read_row_group(group)) for group in groups), rows)
            if wrong := impossible_value(part.columns, self.names):
                raise ValueError(wrong)
        except _Unreadable as error:
            raise _damaged(path, error) from error
        pa.default_memory_pool().release_unused()
        return part

    def parts(self) -> Iterator[Part]:
        """Every part in turn; only one is held at a time."""
        for number in range(len(self.groups)):
            yield self.part(number)

    def span(self) -> tuple[int, int]:
        """The first call and the last return (ns), read from the file's statistics; (0, 0) when
        there is no operation.

        Raises:
            HistoryError: the file is damaged.
        """
        path = self.folder / PARQUET
        try:
            facts = pq.read_metadata(path)
            place = {facts.schema.column(at).path: at for at in range(facts.num_columns)}
            groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
            calls = [group.column(place["call"]).statistics.min for group in groups]
            returns = [group.column(place["ret"]).statistics.max for group in groups]
            first, last = min(calls, default=0), max(returns, default=0)
            if not 0 <= first <= last <= FOREVER:
                raise ValueError(f"operations from {first} to {last}")
        except _Unreadable as error:
            raise _damaged(path, error) from error
        return first, last

    def windows(self) -> list[tuple[Phase, int, int]]:
        """(phase, begin ns, end ns) of each phase of the drill, in order."""
        return phase_windows(self.events)


def _read_about(path: Path) -> tuple[_About, Names]:
    """What the packed file says of itself.

    Raises:
        HistoryError: it is no history of this version, or contradicts itself.
    """
    try:
        facts = pq.read_metadata(path)
        about = json.loads(facts.metadata[b"statedrill"])
        if wrong := problem(about, _About):
            raise ValueError(wrong)
        if not pq.read_schema(path).remove_metadata().equals(ARROW_SCHEMA):
            raise ValueError("other columns than this version writes")
        groups = [
            number for first, count in about["groups"] for number in range(first, first + count)
        ]
        if groups != list(range(facts.num_row_groups)) or about["rows"] != facts.num_rows:
            raise ValueError("it has other rows than it says")
        return about, Names.from_json(facts.metadata[b"names"])
    except _Unreadable as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> Exception:
    """What to raise for `error`: a limit of the machine stays what it is."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.EACCES, errno.ENOENT):
        return error
    return HistoryError(
        f"{path}: not a whole history of statedrill ({' '.join(str(error).split())[:200]})",
        "delete the file to have it packed anew from the .jsonl files beside it",
    )


def to_part(table: pa.Table) -> Part:
    """The numpy view of a table of ARROW_SCHEMA; read-only where nothing had to be joined."""
    columns = {
        name: _join([numbers(chunk, dtype) for chunk in table[name].chunks], dtype)
        for name, dtype in NUMERIC.items()
    }
    items = _flat(table["items"])
    logicals = _flat(table["item_logicals"])
    return Part(columns, *items, *logicals[1:], table["note"])


def join(parts: Iterable[Part], rows: int) -> Part:
    """The `rows` rows of all `parts`, one after another; holds on to no part."""
    columns = {name: np.empty(rows, dtype=dtype) for name, dtype in NUMERIC.items()}
    lists: list[tuple[Array, ...]] = []
    notes: list[pa.Array] = []
    begin = 0
    for part in parts:
        for name, column in columns.items():
            column[begin : begin + len(part)] = part[name]
        begin += len(part)
        ends = (np.diff(part.offsets), np.diff(part.logical_offsets))
        lists.append((part.listed, part.values.copy(), part.logical_values.copy(), *ends))
        notes += part.notes.chunks
    listed, values, logical_values, lengths, logical_lengths = (
        np.concatenate(pieces) for pieces in zip(*lists, strict=True)
    )
    return Part(
        columns=columns,
        listed=listed,
        offsets=_offsets(lengths),
        values=values,
        logical_offsets=_offsets(logical_lengths),
        logical_values=logical_values,
        notes=pa.chunked_array(notes, pa.string()),
    )


def _join(arrays: list[Array], dtype: np.dtype[Any]) -> Array:
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=dtype)


def _offsets(lengths: Array) -> Array:
    """Where each of some stretches begins, and where the last one ends."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _flat(column: pa.ChunkedArray) -> tuple[Array, Array, Array]:
    """(which lists are there, where each begins and the last ends, their values one by one)."""
    listed = _join([is_there(chunk) for chunk in column.chunks], np.dtype(bool))
    lengths = _join([list_lengths(chunk) for chunk in column.chunks], np.dtype("i8"))
    ids = np.dtype("u4")
    values = [list_values(chunk, ids) for chunk in column.chunks]
    return listed, _offsets(np.where(listed, lengths, 0)), _join(values, ids)
