"""Writes operations while they happen: one JSON array a line, in a file per load process.

Light on purpose (no numpy, no Parquet): it sits in the load generator's hot path. A crash loses
at most what was added since the last `flush`, which the caller does at least once a second.
Knows the columns; knows nothing of HTTP, Locust or verdicts.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from statedrill.history.lines import Lines
from statedrill.history.load_line import LoadLine
from statedrill.history.operation import SCHEMA, Operation
from statedrill.history.session_line import SessionLine
from statedrill.vocabulary import Model

COLUMNS = tuple(Operation.__dataclass_fields__)
_CALL, _RET, _DUE = (COLUMNS.index(name) for name in ("call", "ret", "due"))
_FLUSH_ROWS = 512


class Recorder:
    """The history writer of one load process.

    Names (instances, operations, objects) are written once, as a line of their own, before the
    first row that uses their number. Files: `operations-<worker>.jsonl`, `sessions-<worker>.jsonl`
    and `load-<worker>.jsonl` in `folder`, which is created when absent. A load process on another
    machine says which (`machine`) and how many ns the run's clock is ahead of that machine's own
    (`shift_ns`): all times are written on the run's clock.
    """

    def __init__(
        self, folder: Path, run: str, worker: int = 0, *, machine: str = "", shift_ns: int = 0
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.run = run
        self.worker = worker
        self.shift_ns = shift_ns
        self.rows = 0
        self._flushed_at_end = -1
        # what appends a row whose times are on this machine's own clock
        self.keep = self._record_shifted if shift_ns else self.record_row
        self._codes: dict[tuple[str, str], int] = {}
        self._operations, self._sessions, self._load = (
            Lines(folder / f"{kind}-{worker}.jsonl") for kind in ("operations", "sessions", "load")
        )
        header = {"schema": SCHEMA, "run": run, "worker": worker, "columns": COLUMNS}
        self._operations.add(orjson.dumps({**header, "machine": machine} if machine else header))

    @property
    def error(self) -> OSError | None:
        """What keeps this record from being whole, such as a full disk."""
        return self._operations.error or self._sessions.error

    def code(self, table: str, name: str, model: Model | None = None) -> int:
        """The number that stands for `name` in `table` ("object", "op" or "instance"), from 1 up.

        An object says with its first use which `model` it follows.
        """
        known = self._codes.get((table, name))
        if known is not None:
            return known
        number = 1 + sum(1 for each in self._codes if each[0] == table)
        self._codes[table, name] = number
        line: dict[str, Any] = {"table": table, "code": number, "name": name}
        if model is not None:
            line["model"] = int(model)
        self._operations.add(orjson.dumps(line))
        return number

    def record(self, operation: Operation) -> None:
        """Append one operation, timed on this machine's own clock."""
        self.keep(tuple([getattr(operation, column) for column in COLUMNS]))

    def record_row(self, row: tuple[Any, ...]) -> None:
        """Append one operation given as a tuple in the order of `COLUMNS` (the fast way)."""
        self._operations.add(orjson.dumps(row))
        self.rows += 1
        if self.rows % _FLUSH_ROWS == 0:
            self._operations.flush()

    def _record_shifted(self, row: tuple[Any, ...]) -> None:
        shifted = list(row)
        for at in (_CALL, _RET, _DUE) if row[_DUE] else (_CALL, _RET):
            shifted[at] += self.shift_ns
        self.record_row(tuple(shifted))

    def session(self, line: SessionLine) -> None:
        """What the audit needs to come back as this user; the last line of a session counts."""
        self._sessions.add(orjson.dumps({**line, "t": self._now_ns()}))

    def load(self, figures: LoadLine) -> None:
        """One line about the load process itself: rate, schedule lag, processor use."""
        line = {"t": self._now_ns(), "wall": time.time(), "worker": self.worker, **figures}
        self._load.add(orjson.dumps(line))
        self._load.flush()

    def flush(self) -> None:
        """Hand everything buffered to the operating system: from now on a SIGKILL loses nothing."""
        self._operations.flush()
        self._sessions.flush()

    def begin(self) -> None:
        """A test begins: from now on the record is not whole, whatever it said before."""
        self._operations.add(orjson.dumps({"begin": True}))
        self.flush()

    def end(self) -> None:
        """Say, in the last line, that nothing is missing, if nothing is."""
        self.flush()
        if self._flushed_at_end != self._operations.flushed and self.error is None:
            self._operations.add(orjson.dumps({"end": True, "rows": self.rows}))
            self.flush()
            self._flushed_at_end = self._operations.flushed

    def close(self) -> None:
        """Flush and close; safe to call twice. The last line says that nothing is missing."""
        if not self._operations.closed:
            self.end()
            self._operations.close()
            self._sessions.close()
            self._load.close()

    def _now_ns(self) -> int:
        return time.monotonic_ns() + self.shift_ns

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
