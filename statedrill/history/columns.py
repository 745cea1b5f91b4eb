"""The columns of a packed history: their types and ranges, the tables of names, and the writer.

Knows the layout of the Parquet file; knows no definition of any finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from typing_extensions import TypedDict

from statedrill.history.events import Event
from statedrill.history.operation import FOREVER, SCHEMA
from statedrill.records import problem
from statedrill.vocabulary import Kind, Model, Outcome, Phase

PARQUET = "operations.parquet"
ROWS_PER_PART = 1_000_000
_ROW_GROUP = 128 * 1024

Array: TypeAlias = np.ndarray[Any, Any]
_I64, _U32, _U16, _U8 = np.dtype("i8"), np.dtype("u4"), np.dtype("u2"), np.dtype("u1")
NUMERIC: Mapping[str, np.dtype[Any]] = {
    "call": _I64, "ret": _I64, "session": _U32, "lane": _U16, "object": _U16, "op": _U16,
    "kind": _U8, "outcome": _U8, "wid": _U32, "read_wid": _U32, "element": _U32, "ver": _U32,
    "logical": _U32, "attempt": _U8, "instance": _U16, "status": _U16, "server_session": _U16,
    "due": _I64, "phase": _U8,
}  # fmt: skip
LISTS = ("items", "item_logicals")
ARROW_SCHEMA = pa.schema(
    [pa.field(name, pa.from_numpy_dtype(dtype)) for name, dtype in NUMERIC.items()]
    + [pa.field(name, pa.list_(pa.uint32())) for name in LISTS]
    + [pa.field("note", pa.string())]
)
_TIMES = ("call", "ret")
"""Columns that grow with the rows: their differences take a third less of the whole file."""
_LEAVES = [*NUMERIC, *(f"{name}.list.element" for name in LISTS), "note"]


class _NamesRecord(TypedDict):
    objects: dict[str, str]
    models: dict[str, int]
    ops: dict[str, str]
    instances: dict[str, str]


@dataclass(frozen=True)
class Names:
    """The dictionary tables: what the numbers of the columns stand for."""

    objects: dict[int, str] = field(default_factory=dict)
    models: dict[int, Model] = field(default_factory=dict)
    ops: dict[int, str] = field(default_factory=dict)
    instances: dict[int, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """The tables as JSON text, for the Parquet file's metadata."""
        return json.dumps({table: getattr(self, table) for table in self.__dataclass_fields__})

    @classmethod
    def from_json(cls, text: str | bytes) -> Names:
        """The inverse of `as_json`.

        Raises:
            ValueError: it is none.
        """
        tables = json.loads(text)
        if wrong := problem(tables, _NamesRecord):
            raise ValueError(wrong)
        return cls(
            objects={int(code): name for code, name in tables["objects"].items()},
            models={int(code): Model(model) for code, model in tables["models"].items()},
            ops={int(code): name for code, name in tables["ops"].items()},
            instances={int(code): name for code, name in tables["instances"].items()},
        )


# The greatest value of the columns whose type allows more than they can say.
_GREATEST = {
    "kind": max(Kind), "outcome": max(Outcome), "phase": max(Phase), "call": FOREVER - 1,
    "ret": FOREVER, "due": FOREVER,
}  # fmt: skip


@dataclass(frozen=True)
class LoadProcesses:
    """The load processes behind a record: which were lost, and which ran on which other machine.

    `sources` are the files of their lines, with the bytes that were packed of each.
    """

    incomplete: list[int] = field(default_factory=list)
    machines: dict[int, str] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)


def impossible_value(columns: Mapping[str, Array], names: Names) -> str | None:
    """What stands in `columns` that no recorder writes, in words; None where all is possible."""
    for name, greatest in _GREATEST.items():
        values = columns[name]
        extremes = [int(values.max(initial=0))]
        if values.dtype.kind == "i":
            extremes.append(int(values.min(initial=0)))
        for value in extremes:
            if not 0 <= value <= greatest:
                return f"{value} stands in the column {name!r}, whose values are 0 to {greatest:d}"
    known = np.zeros(1 << 16, dtype=bool)
    known[[0, *names.objects]] = True
    unnamed = np.flatnonzero(~known[columns["object"]])
    if len(unnamed):
        number = int(columns["object"][unnamed[0]])
        return f"the number {number} stands for no name in the column 'object'"
    return None


def phase_windows(events: Iterable[Event]) -> list[tuple[Phase, int, int]]:
    """(phase, begin ns, end ns) from the drill's events; the last one ends with its last event."""
    marks = [(str(each["phase"]), int(each["t"])) for each in events if each["event"] == "phase"]
    last = max((int(each["t"]) for each in events), default=0)
    ends = [begin for _, begin in marks[1:]] + [last]
    return [
        (Phase[name.upper()], begin, end)
        for (name, begin), end in zip(marks, ends, strict=False)
        if name != "end"
    ]


def write_parts(
    folder: Path,
    run: str,
    names: Names,
    parts: Iterable[pa.Table],
    processes: LoadProcesses | None = None,
) -> None:
    """Write `parts` (tables of ARROW_SCHEMA, each with all rows of its sessions) as a history.

    The file appears whole or not at all. Each part is sorted by `call`.
    """
    processes = processes or LoadProcesses()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / (PARQUET + ".part")
    groups: list[tuple[int, int]] = []
    rows = 0
    first = 0
    with pq.ParquetWriter(
        unfinished,
        ARROW_SCHEMA,
        compression="zstd",
        use_dictionary=[name for name in _LEAVES if name not in _TIMES],
        column_encoding=dict.fromkeys(_TIMES, "DELTA_BINARY_PACKED"),
        write_page_checksum=True,
    ) as writer:
        for part in parts:
            if part.num_rows == 0:
                continue
            table = part.select(ARROW_SCHEMA.names).sort_by("call")
            writer.write_table(table, row_group_size=_ROW_GROUP)
            count = -(-table.num_rows // _ROW_GROUP)
            groups.append((first, count))
            first += count
            rows += table.num_rows
        about = {
            "schema": SCHEMA,
            "run": run,
            "rows": rows,
            "groups": groups,
            "incomplete": sorted(processes.incomplete),
            "machines": {str(worker): name for worker, name in processes.machines.items()},
            "sources": processes.sources,
        }
        writer.add_key_value_metadata({"statedrill": json.dumps(about), "names": names.as_json()})
    unfinished.replace(folder / PARQUET)
