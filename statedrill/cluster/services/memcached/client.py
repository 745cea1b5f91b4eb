"""A blocking session with one memcached server, in its text protocol.

Knows the few commands that the cluster asks; the application brings a client of its own.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

_LAST_LINES = (
    *(b"END", b"OK", b"STORED", b"NOT_STORED", b"DELETED", b"NOT_FOUND", b"ERROR"),
    *(b"VERSION", b"SERVER_ERROR", b"CLIENT_ERROR"),
)


class MemcachedSession:
    """One connection; each call waits `timeout_s` at most for each piece of the answer."""

    def __init__(self, address: tuple[str, int], timeout_s: float) -> None:
        """Raises OSError: nobody accepts the connection."""
        self._socket = socket.create_connection(address, timeout_s)
        self._file = self._socket.makefile("rwb")

    def ask(self, command: str) -> list[str]:
        """The lines of the answer to `command`, the last one included.

        Raises:
            OSError: there is no answer, or half of one.
        """
        self._file.write(command.encode() + b"\r\n")
        self._file.flush()
        lines: list[str] = []
        while True:
            line = self._file.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError("the connection was closed in the middle of an answer")
            lines.append(line[:-2].decode())
            if line[:-2].startswith(_LAST_LINES):
                return lines

    def statistics(self) -> dict[str, str]:
        """What the server counts, by name.

        Raises:
            OSError: it does not answer.
        """
        rows = (line.split(" ", 2) for line in self.ask("stats"))
        return {row[1]: row[2] for row in rows if row[0] == "STAT"}

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()


@contextlib.contextmanager
def connected(address: tuple[str, int], timeout_s: float = 2.0) -> Iterator[MemcachedSession]:
    """A session that is closed in the end.

    Raises:
        OSError: nobody accepts the connection.
    """
    session = MemcachedSession(address, timeout_s)
    try:
        yield session
    finally:
        with contextlib.suppress(OSError):  # what could not be sent is sent again when it closes
            session.close()
