"""TLS over memory: the connection moves the bytes, this turns them into plain ones and back.

Knows no HTTP and no event loop; only the handshake touches a socket.
"""

from __future__ import annotations

import socket
import ssl
from typing import NamedTuple

_CHUNK_BYTES = 64 * 1024


class Tls(NamedTuple):
    """A TLS session, the memory that it reads from and the one that it writes to."""

    session: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO

    def encrypt(self, data: bytes) -> bytes:
        """The bytes to send for `data`."""
        self.session.write(data)
        return self.outgoing.read()

    def decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """(plain bytes, whether the stream ended) after `data` came; no data means the end.

        Raises:
            ssl.SSLError: the peer does not keep to the protocol.
        """
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        parts: list[bytes] = []
        try:
            # An empty read is the peer's orderly end of the stream.
            while part := self.session.read(_CHUNK_BYTES):
                parts.append(part)
        except ssl.SSLWantReadError:
            return b"".join(parts), False
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass
        return b"".join(parts), True


def handshake(connected: socket.socket, host: str, context: ssl.SSLContext) -> Tls:
    """Do the handshake on a socket that was just connected.

    Raises:
        OSError: it failed, ssl.SSLError included.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=host)
    while True:
        try:
            session.do_handshake()
            connected.sendall(outgoing.read())
            return Tls(session, incoming, outgoing)
        except ssl.SSLWantReadError:
            connected.sendall(outgoing.read())
            data = connected.recv(_CHUNK_BYTES)
            if data:
                incoming.write(data)
            else:
                incoming.write_eof()
