"""ElastiCache's configuration endpoint: who asks it for the nodes gets their names and addresses.

It answers `config get cluster`, which memcached itself does not know: that is ElastiCache's own
(docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoDiscovery.AddingToYourClientLibrary.html). On
AWS every node answers for it; here each zone has one address, because a hop may make a node's
address another one in each zone. Knows a list of nodes; knows no memcached.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from typing_extensions import override

_POLL_S = 0.1
"""How long `stop` may take."""


class Listed(NamedTuple):
    """A node as clients are told of it: a name that its successor inherits, and where it is."""

    name: str
    host: str
    port: int


Listing = Callable[[], tuple[int, Sequence[Listed]]]
"""The version of the list, which grows with each change, and the nodes in it."""


class ConfigurationEndpoint:
    """One listener, from `start` to `stop`."""

    def __init__(self, address: tuple[str, int], listing: Listing) -> None:
        self.address, self._listing = address, listing
        self._server: _Server | None = None

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address is in use.
        """
        self._server = _Server(self.address, self._listing)
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="cache-list", daemon=True
        ).start()

    def stop(self) -> None:
        """Listen no more; idempotent."""
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # a client may keep its connection for ever

    def __init__(self, address: tuple[str, int], listing: Listing) -> None:
        self.listing = listing
        super().__init__(address, _Handler)


class _Handler(socketserver.StreamRequestHandler):
    @override
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        while line := self.rfile.readline(200):
            asked = line.split() == [b"config", b"get", b"cluster"]
            self.wfile.write(answer(*self.server.listing()) if asked else b"ERROR\r\n")


def answer(version: int, nodes: Sequence[Listed]) -> bytes:
    """The answer to `config get cluster`."""
    listed = " ".join(f"{each.name}|{each.host}|{each.port}" for each in nodes)
    payload = f"{version}\n{listed}\n".encode()
    return b"CONFIG cluster 0 %d\r\n%b\r\nEND\r\n" % (len(payload), payload)
