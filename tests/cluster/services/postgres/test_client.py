"""What a server says to somebody who connects, and what that means for its supervision."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from statedrill.cluster.services.postgres.client import PostgresConnection, PostgresError


@contextmanager
def a_server_that_says(code: str, message: str) -> Iterator[Callable[[], PostgresConnection]]:
    """Listens, and refuses one session with this SQLSTATE; gives how to connect to it."""
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()

    def refuse(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client:
            client.recv(1024)
            client.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        yield lambda: PostgresConnection(listener.getsockname(), user="u", database="d")
        thread.join()


@pytest.mark.parametrize(
    ("code", "message", "starting"),
    [
        ("57P03", "the database system is starting up", True),
        ("57P03", "the database system is in recovery mode", True),
        ("57P03", "the database system is not yet accepting connections", True),
        ("57P03", "the database system is shutting down", False),
        ("53300", "sorry, too many clients already", False),
    ],
)
def test_a_refusal_says_whether_the_server_is_starting(
    code: str, message: str, *, starting: bool
) -> None:
    with a_server_that_says(code, message) as connect, pytest.raises(PostgresError) as refused:
        connect()
    assert str(refused.value) == f"{message} ({code})"
    assert (refused.value.fatal, refused.value.starting) == (True, starting)
