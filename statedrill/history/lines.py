"""Files of lines: appended to until the disk is full, and read back as JSON objects.

What could not be written whole is never written again: a reader recognises half a line, but not a
line that stands there twice. Knows bytes and JSON; knows no field.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from statedrill.errors import HistoryError

DAMAGED = "the file is damaged: restore it from a copy, or repeat the drill"


class Lines:
    """The end of the file `path`; `error` is what stopped the writing for good, if anything did.

    `add` takes a line, without its end, for the next `flush`; `flushed` counts lines.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        self.flushed = 0
        self._file = path.open("ab", buffering=0)
        self._waiting: list[bytes] = []
        self.add: Callable[[bytes], None] = self._waiting.append  # it is in a hot path

    def flush(self) -> None:
        """Hand every line to the operating system: from now on a SIGKILL loses none of them."""
        if not self._waiting:
            return
        rest = memoryview(b"\n".join(self._waiting) + b"\n")
        self.flushed += len(self._waiting)
        self._waiting.clear()
        try:
            while rest and self.error is None:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.error = error

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._file.closed

    def close(self) -> None:
        """Flush and close; safe to call twice."""
        if not self._file.closed:
            self.flush()
            self._file.close()


def read_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """(number, value) of every line of a file with one JSON object a line.

    A torn last line (a crash) is left out. A file that is not there has no lines.

    Raises:
        HistoryError: a line that is not the last is no JSON object.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    found: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                break
            raise HistoryError(f"{path}:{number}: not a JSON object ({error})", DAMAGED) from error
        found.append((number, value))
    return found
