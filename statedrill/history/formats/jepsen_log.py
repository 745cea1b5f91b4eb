"""Reads the lines that Jepsen logs for every call and answer: process, type, operation, value.

Lines of other loggers between them are passed over. Knows nothing of verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from statedrill.errors import HistoryError
from statedrill.history.formats.edn import Reader
from statedrill.history.formats.external import DAMAGED, ForeignHistory
from statedrill.history.formats.jepsen_edn import Line, history_of

NAME = "jepsen-log"
_OPERATION = re.compile(
    r"^.*\bjepsen\.util\b\s*(?:-\s+)?(?P<process>\d+|:[\w-]+)\s+:(?P<type>invoke|ok|fail|info)"
    r"\s+:(?P<f>[\w-]+)\s+(?P<value>.+)$"
)
_OTHER = re.compile(r"^(?:\S+ )?(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b.* - |^\s|^Caused by\b|^$")


def recognise(head: str) -> bool:
    """Whether one of the lines of `head`, the beginning of a file, logs an operation."""
    return any(_OPERATION.match(line) for line in head.splitlines())


def read(path: Path) -> ForeignHistory:
    """The history in `path`.

    Raises:
        HistoryError: a line is damaged, or the work is not supported.
    """
    found = list(_lines(path))
    if not found:
        raise HistoryError(f"{path}:1: no line of this log is an operation", DAMAGED)
    return history_of(found, str(path), NAME)


def _lines(path: Path) -> Iterator[Line]:
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        match = _OPERATION.match(line)
        if match is not None:
            forms = Reader(match["value"], f"{path}:{number}").forms()
            value = next((form for _, form in forms), None)
            if not match["process"].startswith(":"):
                yield Line(number, match["process"], match["type"], match["f"], value)
        elif "jepsen.util" in line or not _OTHER.match(line):
            raise HistoryError(
                f"{path}:{number}: not a line of a Jepsen log: {line[:60]!r}", DAMAGED
            )
