"""Writes a history as Jepsen's EDN, for a second opinion by Knossos and Elle.

One file a family in the output folder, one map a line, all in the order of time, each call and
each answer with `:index :time :process :type :f :value` (`:time` is this history's clock, ns):

- `registers.edn`: `:f :read|:write`, `:value [key id]` as jepsen.independent's tuples; a model of
  Knossos `(model/register)`, initial nil.
- `logs.edn` (logs and orders): `:f :txn`, `:value [[:append key id]]` or `[[:r key [id ...]]]`;
  Elle's list-append.
- `sets.edn`: `:f :add|:read`, `:value [key id]` or `[key #{id ...}]`; checker/set-full of one key.
- `sets-with-removal.edn`: the same with `:remove` and `:clear`, which no stock checker knows.

A key is the text `session/object`, an id the number of the write within its session. Where a
read showed no id of its session it has `:absent`, `:phantom`, `:leak` (in lists -3, -1, -2),
values that no write of the file has. A write of unknown outcome, or one that was only accepted,
ends as `:info`, its process never comes back; a read that gave nothing ends as `:fail`. A replay
that acknowledges an earlier attempt is a `:fail` too: this attempt was not applied. Objects of
the model SESSION have no counterpart and stay out.
"""

from __future__ import annotations

import heapq
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from statedrill.errors import HistoryError
from statedrill.history.formats.export_rows import FAMILIES, Exporter
from statedrill.history.store import History

_STAMP = 21  # width of the sort key that begins every line of a spilled part


def export_jepsen(history: History, folder: Path) -> list[Path]:
    """Write the files into `folder`, made when absent; returns those that have operations.

    One part is held at a time; the parts are spilled to disk and merged by time.

    Raises:
        HistoryError: a kind of call that has no counterpart, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        spill = Path(tempfile.mkdtemp(prefix="export-", dir=folder))
    except OSError as error:
        reason = f"{folder}: cannot be written ({error.strerror})"
        raise HistoryError(reason, "name another folder") from error
    try:
        exporter = Exporter(history.names, processes_apart=max(1, len(history.groups)))
        for number, part in enumerate(history.parts()):
            for family, lines in exporter.lines(part, number):
                with (spill / f"{family}-{number}").open("w", encoding="utf-8") as file:
                    file.writelines(lines)
        merged = (_merge(spill, family, folder) for family in FAMILIES)
        return [path for path in merged if path is not None]
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _merge(spill: Path, family: str, folder: Path) -> Path | None:
    """One file of all spilled parts of `family`, by time, with their index."""
    parts = sorted(path for path in spill.iterdir() if path.name.rpartition("-")[0] == family)
    whole = spill / f"{family}.edn"
    count = 0
    with ExitStack() as stack, whole.open("w", encoding="utf-8") as out:
        streams: list[Iterator[str]] = [
            iter(stack.enter_context(path.open(encoding="utf-8"))) for path in parts
        ]
        for line in heapq.merge(*streams):
            out.write(f"{{:index {count}, {line[_STAMP:]}")
            count += 1
    target = folder / f"{family}.edn"
    if not count:
        target.unlink(missing_ok=True)  # of an earlier export: it would be taken for this one's
        return None
    whole.replace(target)
    return target
