"""The judge's speed, as whole commands: `statedrill check RUN` on generated runs, from Parquet.

`..._ops_per_s` is by the clock on the wall, start-up included, with as many processes as the
command starts; `..._ops_per_core_s` is by processor time, which a busy machine changes less.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

from statedrill.check.index.fast_path import suspect_objects
from statedrill.check.run_checks import run_checks
from statedrill.history.columns import ARROW_SCHEMA, ROWS_PER_PART, write_parts
from statedrill.history.store import to_part
from statedrill.vocabulary import Kind, Model, Outcome, Phase
from tests.check.history_builder import CONTEXT, MS, NAMES, START
from tests.check.simulator import Weather, simulate
from tests.support.plans import plan_record

MILD = Weather(
    timeout=0.002, lost_answer=0.001, rejected=0.002, repeated=0.001, delay_us=200,
    sign_out=0.001, pace_ms=2000.0,
)  # fmt: skip
QUEUED = replace(MILD, queued=True)
_SESSIONS, _OPERATIONS = 400, 150
_SHOWN = ("read_wid", "ver", "items", "item_logicals")
_PLAN = plan_record(
    {
        "pattern": {"promise": {"survives": [], "guarantees": ["read_your_writes"]}},
        "load": {"planned_rate": None},
        "phases": {"baseline_s": 300},
    },
    pattern="distributed",
    experiment="none",
)


def bench() -> dict[str, float]:
    """check_10k_s, check_1m_ops_per_s, check_10m_ops_per_s, check_10m_peak_mib and the rest;
    check_worst_1m_… are of a history in which no object is clean.
    """
    template = simulate(_SESSIONS, _OPERATIONS, seed=7, weather=MILD)
    figures: dict[str, float] = {}
    for name, wanted in (("10k", 10_000), ("1m", 1_000_000), ("10m", 10_000_000)):
        figures |= _measure(name, template, wanted)
    return figures | _measure("worst_1m", stale_everywhere(), 1_000_000)


def bench_alone() -> dict[str, float]:
    """check_100m_ops_per_s, check_100m_peak_mib and the rest: 2 GB on disk, some minutes."""
    template = simulate(_SESSIONS, _OPERATIONS, seed=7, weather=MILD)
    return _measure("100m", template, 100_000_000)


def _measure(name: str, template: pa.Table, wanted: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="bench-check-") as folder:
        rows = write_run(Path(folder), template, wanted)
        runs = [check(Path(folder)) for _ in range(1 if rows > 5_000_000 else 3)]
    took_s, core_s, peak_mib = (min(each) for each in zip(*runs, strict=True))
    return {
        f"check_{name}_s": round(took_s, 3),
        f"check_{name}_ops_per_s": round(rows / took_s),
        f"check_{name}_ops_per_core_s": round(rows / core_s),
        f"check_{name}_peak_mib": round(peak_mib, 1),
    }


def stale_everywhere() -> pa.Table:
    """Users of a queued store whose reads show an earlier state now and then: no object is clean,
    so nothing is left out when the checks look.
    """
    dice = random.Random(7)
    rows = simulate(_SESSIONS, _OPERATIONS, seed=7, weather=QUEUED).to_pylist()
    shown: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in rows:
        read = row["kind"] == Kind.READ and row["outcome"] == Outcome.OK
        if not read or row["phase"] >= Phase.AUDIT:
            continue
        earlier = shown.setdefault((row["session"], row["object"]), [])
        if earlier and dice.random() < 0.3:
            row.update(dice.choice(earlier[-4:]))
        else:
            earlier.append({name: row[name] for name in _SHOWN})
    table = pa.Table.from_pylist(rows, ARROW_SCHEMA).sort_by("call")
    return table.filter(pa.array(_of_suspect_objects(table)))


def _of_suspect_objects(table: pa.Table) -> np.ndarray[Any, Any]:
    """Mask of the rows whose object is not clean; sign-ins and the like are no objects."""
    observations = run_checks(to_part(table), NAMES, CONTEXT, bounded=False).given.observations
    operations = observations.table
    kept = suspect_objects(observations)[operations.object_of] | (operations.model > Model.ORDERS)
    mask = np.zeros(len(operations), dtype=bool)
    mask[operations.source_row[kept]] = True
    return mask


def write_run(run: Path, template: pa.Table, rows: int) -> int:
    """A run's folder with about `rows` operations: the template's users, over and over."""
    copies, kept = divmod(rows, template.num_rows)
    history = run / "history"
    history.mkdir(parents=True)
    tables = copies if copies else 1
    shrunk = template if copies else _first_sessions(template, kept)
    per_part = max(1, ROWS_PER_PART // shrunk.num_rows)
    parts = _parts(shrunk, tables, per_part)
    write_parts(history, "r1", NAMES, parts)
    end = START + 400_000 * MS
    marks = [("baseline", START), ("audit", START + 300_000 * MS), ("end", end)]
    lines = [{"t": t, "wall": 0.0, "event": "phase", "phase": phase} for phase, t in marks]
    (history / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run / "plan.json").write_text(json.dumps(_PLAN))
    return tables * shrunk.num_rows


def check(run: Path) -> tuple[float, float, float]:
    """(seconds, processor seconds, peak MiB of all its processes) of one `statedrill check`."""
    command = [sys.executable, "-m", "statedrill", "check", str(run), "--json"]
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        peak = _Peak(process.pid)
        process.wait()
        took_s = time.perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        core_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return took_s, core_s, peak.stop()


class _Peak:
    """Watches how much memory a process and its children hold together (shared pages once)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            try:
                root = psutil.Process(self._pid)
                family = [root, *root.children(recursive=True)]
                held = sum(each.memory_full_info().pss for each in family)
            except psutil.Error:
                continue
            self._peak = max(self._peak, held)

    def stop(self) -> float:
        self._over.set()
        self._thread.join()
        return self._peak / 2**20


def _parts(template: pa.Table, copies: int, per_part: int) -> Iterator[pa.Table]:
    for first in range(0, copies, per_part):
        yield pa.concat_tables(
            _copy(template, number) for number in range(first, min(copies, first + per_part))
        )


def _copy(template: pa.Table, number: int) -> pa.Table:
    """The template's users again, as other users at another time."""
    shift = (number * 7919) % 5000 * MS
    columns: dict[str, Any] = {name: template[name] for name in template.column_names}
    for name, more in (("call", shift), ("ret", shift), ("session", number * _SESSIONS)):
        values = template[name].to_numpy()
        columns[name] = values + np.array(more, dtype=values.dtype)
    return pa.table(columns, schema=template.schema)


def _first_sessions(template: pa.Table, rows: int) -> pa.Table:
    order = np.sort(template["session"].to_numpy())
    return template.filter(pa.array(template["session"].to_numpy() <= order[rows - 1]))
