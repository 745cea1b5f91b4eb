"""The few words of PostgreSQL's wire protocol that supervision needs: start-up and simple query.

Knows protocol 3.0 with trust authentication; knows nothing of primaries and standbys.
Source: https://www.postgresql.org/docs/18/protocol-message-formats.html
"""

from __future__ import annotations

import socket
import struct
from types import TracebackType

Row = tuple[str | None, ...]

_PROTOCOL_3_0 = 196608
_CANNOT_CONNECT_NOW = "57P03"


class PostgresError(Exception):
    """The server answered with an error; `fatal` when the session is over with it.

    `starting`: it lets nobody in yet, because it replays its log.
    """

    def __init__(self, message: str, *, fatal: bool, starting: bool = False) -> None:
        super().__init__(message)
        self.fatal, self.starting = fatal, starting


class PostgresConnection:
    """One session, for one thread at a time.

    Raises:
        OSError: nobody answers, the connection broke or took longer than `timeout_s`.
        PostgresError: the server refused.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        user: str,
        database: str,
        timeout_s: float = 2.0,
    ) -> None:
        self._socket = socket.create_connection(address, timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")
        try:
            words = f"user\0{user}\0database\0{database}\0\0".encode()
            self._socket.sendall(struct.pack("!ii", len(words) + 8, _PROTOCOL_3_0) + words)
            self._until_ready()
        except BaseException:
            self.close()
            raise

    def query(self, sql: str) -> list[Row]:
        """The rows of `sql` (of all its statements together), every value as text or None."""
        body = sql.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack("!i", len(body) + 4) + body)
        return self._until_ready()

    def close(self) -> None:
        """Hang up; idempotent."""
        self._stream.close()
        self._socket.close()

    def __enter__(self) -> PostgresConnection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _until_ready(self) -> list[Row]:
        """Read messages until the server waits for the next query (`Z`)."""
        rows: list[Row] = []
        error: PostgresError | None = None
        while True:
            kind, body = self._message()
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                error = _error(body)
                if error.fatal:
                    raise error  # no `Z` follows: the session is refused or ended
            elif kind == b"R" and struct.unpack("!i", body[:4])[0] != 0:
                raise PostgresError("the server wants a password", fatal=True)
            elif kind == b"Z":
                if error:
                    raise error
                return rows

    def _message(self) -> tuple[bytes, bytes]:
        kind, length = struct.unpack("!ci", self._read(5))
        return kind, self._read(length - 4)

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise ConnectionResetError("the server hung up")
        return data


def answers(address: tuple[str, int], user: str, database: str) -> bool:
    """Whether a query is answered at `address`."""
    try:
        with PostgresConnection(address, user=user, database=database, timeout_s=0.5) as session:
            return session.query("SELECT 1") == [("1",)]
    except (OSError, PostgresError):
        return False


def _row(body: bytes) -> Row:
    count, at, values = struct.unpack("!h", body[:2])[0], 2, []
    for _ in range(count):
        size = struct.unpack("!i", body[at : at + 4])[0]
        at += 4
        values.append(None if size < 0 else body[at : at + size].decode())
        at += max(size, 0)
    return tuple(values)


def _error(body: bytes) -> PostgresError:
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    message, code = fields.get(b"M", "unknown error"), fields.get(b"C", "no code")
    starting = code == _CANNOT_CONNECT_NOW and "shutting down" not in message
    return PostgresError(
        f"{message} ({code})", fatal=fields.get(b"V") in ("FATAL", "PANIC"), starting=starting
    )
