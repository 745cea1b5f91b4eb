"""A small, complete run folder in both forms of its record, made of a checked-in sample."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from statedrill.history.columns import PARQUET, write_parts
from statedrill.history.operation import Operation
from statedrill.history.recorder import COLUMNS, Recorder
from statedrill.history.store import History

SAMPLES = Path(__file__).parents[2] / "reports" / "sample"


def small_run(folder: Path, sample: str = "decoupled-instance-kill", sessions: int = 6) -> Path:
    """The run `sample` with its first sessions only, packed; returns `folder`."""
    source = SAMPLES / sample
    (folder / "history").mkdir(parents=True)
    shutil.copyfile(source / "plan.json", folder / "plan.json")
    for path in source.glob("history/*.jsonl"):
        shutil.copyfile(path, folder / "history" / path.name)
    history = History.open(source / "history")
    table = pq.read_table(source / "history" / PARQUET)
    numbers = table["session"].to_numpy()
    chosen = np.isin(numbers, np.unique(numbers)[:sessions])
    write_parts(folder / "history", history.run, history.names, [table.filter(pa.array(chosen))])
    return folder


def unpacked(folder: Path) -> Path:
    """The run in `folder` with the recorders' lines instead of the packed file."""
    history = History.open(folder / "history")
    rows = pq.read_table(folder / "history" / PARQUET).select(COLUMNS).to_pylist()
    (folder / "history" / "load-0.jsonl").unlink(missing_ok=True)
    with Recorder(folder / "history", history.run) as recorder:
        code = _namer(recorder, history)
        for row in rows:
            operation = Operation(**row)
            operation.object = code("object", history.names.objects[row["object"]], row["object"])
            operation.op = code("op", history.names.ops[row["op"]], 0)
            name = history.names.instances.get(row["instance"])
            operation.instance = code("instance", name, 0) if name else 0
            recorder.record(operation)
    (folder / "history" / PARQUET).unlink()
    return folder


def _namer(recorder: Recorder, history: History) -> Callable[[str, str, int], int]:
    def code(table: str, name: str, number: int) -> int:
        model = history.names.models.get(number) if table == "object" else None
        return recorder.code(table, name, model)

    return code


def with_verdict(folder: Path, verdict: object) -> Path:
    """The run in `folder` with `verdict` as its verdict.json."""
    (folder / "verdict.json").write_text(json.dumps(verdict), encoding="utf-8")
    return folder
