"""The faults of one target that are open, on disk: what a later program undoes after a SIGKILL.

One line of JSON for each change, in the target's data folder. Knows names and arguments; knows
neither targets nor processes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from statedrill import faults
from statedrill.errors import ClusterError

LEDGER_FILE = "faults.jsonl"


class OpenFault(NamedTuple):
    """One open fault: its id, its name in `FAULTS`, and what its undoing needs."""

    fault: str
    name: str
    undo: Mapping[str, Any]


class FaultLedger:
    """Writes the ledger in `folder`. A line is on disk before the fault that it names begins."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEDGER_FILE

    def opened(self, entry: OpenFault) -> None:
        """Write down that a fault is open; again when what its undoing needs has changed."""
        self._append(entry._asdict())

    def closed(self, fault: str) -> None:
        """Write down that nothing of a fault is left."""
        self._append({"fault": fault, "closed": True})

    def _append(self, line: Mapping[str, Any]) -> None:
        # One write of a short line: whole, or (when the owner is killed) a torn last one.
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(fd, json.dumps(line).encode() + b"\n")
        finally:
            os.close(fd)


def read_ledger(folder: Path) -> list[OpenFault]:
    """The faults that are still open in the ledger of `folder`, the newest first.

    Raises:
        ClusterError: the ledger is damaged.
    """
    path = folder / LEDGER_FILE
    found: dict[str, OpenFault] = {}
    try:
        # A torn last line names a fault that had not begun.
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            entry = json.loads(line)
            if entry.get("closed"):
                found.pop(entry["fault"], None)
            else:
                found[entry["fault"]] = OpenFault(
                    entry["fault"], entry["name"], dict(entry["undo"])
                )
    except FileNotFoundError:
        return []
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ClusterError(
            f"{path}: damaged ({error!r}): what an earlier drill left broken is not known",
            f"see what it names, undo that by hand, then remove {folder}",
        ) from error
    return list(reversed(found.values()))


def undo_left_behind(folder: Path) -> None:
    """Undo every fault that the ledger in `folder` says is open, the newest first.

    All are tried, whatever happens to one of them.

    Raises:
        ClusterError: a fault could not be undone; names all of those.
    """
    problems = []
    for entry in read_ledger(folder):
        kind = next((each for each in faults.FAULTS if each.name == entry.name), None)
        try:
            if kind is None:
                raise LookupError("this version does not know it")
            kind.undo_left_behind(entry.undo)
        except Exception as error:  # the others must be undone all the same
            problems.append(f"{entry.name} {dict(entry.undo)}: {error}")
    if problems:
        raise ClusterError(
            f"faults that an earlier drill left behind cannot be undone: {'; '.join(problems)}",
            f"undo them by hand, then remove {folder}",
        )
