"""Reads a run's history: rows in parts, events, and the generator's own figures.

`operations.parquet` holds the rows grouped into parts by session (every check is per session or
per object, so parts are judged alone and memory stays bounded), in time order within a part.
Knows files and columns; knows no definition of any finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from statedrill.errors import HistoryError
from statedrill.history import Phase
from statedrill.history.columns import NUMERIC, PARQUET, Names, phase_windows
from statedrill.history.events import Event, read_lines
from statedrill.history.pack import pack


@dataclass(frozen=True)
class Part:
    """The operations of some sessions, as equally long columns in the order of their call.

    `columns` has a numpy array per name of `NUMERIC`. `offsets`/`values` are the ids of `items`:
    row i has `values[offsets[i]:offsets[i + 1]]`; `listed[i]` tells an empty list from none.
    `logical_values` runs parallel to `values` where a row gave logical ids (else it is empty).
    """

    columns: dict[str, np.ndarray[Any, Any]]
    listed: np.ndarray[Any, Any]
    offsets: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]
    logical_offsets: np.ndarray[Any, Any]
    logical_values: np.ndarray[Any, Any]
    notes: pa.ChunkedArray

    def __len__(self) -> int:
        return len(self.columns["call"])

    def __getitem__(self, column: str) -> np.ndarray[Any, Any]:
        return self.columns[column]


@dataclass(frozen=True)
class History:
    """A run's record: rows in parts, events, and the generator's own figures. Picklable.

    `incomplete` names the load processes that ended without closing their file: what they had in
    flight is not on record.
    """

    folder: Path
    run: str
    names: Names
    rows: int
    groups: tuple[tuple[int, int], ...]  # (first row group, number of row groups) of each part
    incomplete: tuple[int, ...]
    events: tuple[Event, ...]
    load: tuple[Event, ...]

    @classmethod
    def open(cls, folder: Path) -> History:
        """The history in `folder`; packs it first where only the recorders' lines are there.

        Raises:
            HistoryError: no history, or one that is damaged.
        """
        path = folder / PARQUET
        if not path.exists():
            pack(folder)
        try:
            facts = pq.read_metadata(path).metadata or {}
            about = json.loads(facts[b"statedrill"])
            names = Names.from_json(facts[b"names"])
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise HistoryError(
                f"{path}: not a history of statedrill ({error})",
                "delete the file to have it packed anew from the .jsonl files beside it",
            ) from error
        load = [line for each in sorted(folder.glob("load-*.jsonl")) for line in read_lines(each)]
        return cls(
            folder=folder,
            run=about["run"],
            names=names,
            rows=about["rows"],
            groups=tuple((first, count) for first, count in about["groups"]),
            incomplete=tuple(about["incomplete"]),
            events=tuple(read_lines(folder / "events.jsonl")),
            load=tuple(sorted(load, key=lambda line: int(line.get("t", 0)))),
        )

    def part(self, number: int) -> Part:
        """The rows of part `number`, read from disk."""
        first, count = self.groups[number]
        file = pq.ParquetFile(self.folder / PARQUET)
        return to_part(file.read_row_groups(range(first, first + count)))

    def parts(self) -> Iterator[Part]:
        """Every part in turn; only one is held at a time."""
        for number in range(len(self.groups)):
            yield self.part(number)

    def span(self) -> tuple[int, int]:
        """The first call and the last return (ns), read from the file's statistics; (0, 0) when
        there is no operation.
        """
        facts = pq.read_metadata(self.folder / PARQUET)
        place = {facts.schema.column(at).path: at for at in range(facts.num_columns)}
        groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
        calls = [group.column(place["call"]).statistics.min for group in groups]
        returns = [group.column(place["ret"]).statistics.max for group in groups]
        return min(calls, default=0), max(returns, default=0)

    def windows(self) -> list[tuple[Phase, int, int]]:
        """(phase, begin ns, end ns) of each phase of the drill, in order."""
        return phase_windows(self.events)


def to_part(table: pa.Table) -> Part:
    """The numpy view of a table of ARROW_SCHEMA."""
    columns = {name: table[name].to_numpy() for name in NUMERIC}
    items = _flat(table["items"])
    logicals = _flat(table["item_logicals"])
    return Part(columns, *items, *logicals[1:], table["note"])


_Array = np.ndarray[Any, Any]


def _flat(column: pa.ChunkedArray) -> tuple[_Array, _Array, _Array]:
    whole = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    listed = whole.is_valid().to_numpy(zero_copy_only=False)
    lengths = np.where(listed, whole.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), 0)
    offsets = np.zeros(len(whole) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return listed, offsets, whole.flatten().to_numpy(zero_copy_only=False)
