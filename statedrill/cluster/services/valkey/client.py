"""The few words of Valkey's wire protocol (RESP2) that supervision needs.

Knows how to send a command and read its answer; knows nothing of primaries and replicas.
"""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Any


class ValkeyError(Exception):
    """The server answered with an error."""


class ValkeyConnection:
    """One session, for one thread at a time.

    Raises:
        OSError: nobody answers, the connection broke or took longer than `timeout_s`.
    """

    def __init__(self, address: tuple[str, int], *, timeout_s: float = 2.0) -> None:
        self._socket = socket.create_connection(address, timeout_s)
        self._stream = self._socket.makefile("rb")

    def call(self, *words: str | int) -> Any:
        """The answer to one command: text, int, None, or a list of these.

        Raises:
            ValkeyError: the server refused the command.
            OSError: the connection broke.
        """
        parts = [str(word).encode() for word in words]
        head = b"*%d\r\n" % len(parts)
        self._socket.sendall(head + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        answer = self._answer()
        if isinstance(answer, ValkeyError):
            raise answer
        return answer

    def info(self, section: str) -> dict[str, str]:
        """The fields of one section of INFO."""
        lines = str(self.call("INFO", section)).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def close(self) -> None:
        """Hang up; idempotent."""
        self._stream.close()
        self._socket.close()

    def __enter__(self) -> ValkeyConnection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self) -> Any:
        line = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the server hung up")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"+":
            return rest
        if kind == b"-":
            return ValkeyError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if int(rest) < 0 else self._text(int(rest))
        if kind == b"*":
            return None if int(rest) < 0 else [self._answer() for _ in range(int(rest))]
        raise ConnectionResetError(f"not RESP2: {line!r}")

    def _text(self, size: int) -> str:
        data = self._stream.read(size + 2)
        if len(data) < size + 2:
            raise ConnectionResetError("the server hung up")
        return data[:-2].decode(errors="replace")
