"""The columns of a packed history: their types, the tables of names, and how parts are written.

Knows the layout of the Parquet file; knows no definition of any finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from statedrill.history.events import Event
from statedrill.history.operation import SCHEMA
from statedrill.vocabulary import Model, Phase

PARQUET = "operations.parquet"
ROWS_PER_PART = 1_000_000
_ROW_GROUP = 128 * 1024

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
        """The inverse of `as_json`."""
        tables = {
            table: {int(code): name for code, name in rows.items()}
            for table, rows in json.loads(text).items()
        }
        tables["models"] = {code: Model(model) for code, model in tables["models"].items()}
        return cls(**tables)


@dataclass(frozen=True)
class Writers:
    """The load processes behind a record: which were lost, and which ran on which other machine."""

    incomplete: list[int] = field(default_factory=list)
    machines: dict[int, str] = field(default_factory=dict)


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
    writers: Writers | None = None,
) -> None:
    """Write `parts` (tables of ARROW_SCHEMA, each with all rows of its sessions) as a history.

    The file appears whole or not at all. Each part is sorted by `call`.
    """
    writers = writers or Writers()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / (PARQUET + ".part")
    groups: list[tuple[int, int]] = []
    rows = 0
    first = 0
    with pq.ParquetWriter(unfinished, ARROW_SCHEMA, compression="zstd") as writer:
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
            "incomplete": sorted(writers.incomplete),
            "machines": {str(worker): name for worker, name in writers.machines.items()},
        }
        writer.add_key_value_metadata({"statedrill": json.dumps(about), "names": names.as_json()})
    unfinished.replace(folder / PARQUET)
