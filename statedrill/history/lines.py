"""A file that lines are appended to, until its disk is full.

What could not be written whole is never written again: half a line can be told from a line, but a
line that stands there twice cannot. Knows bytes only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


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
