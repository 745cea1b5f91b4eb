"""An address where nobody answers, as in a zone that is gone: a connection is neither accepted nor
refused. Knows no load balancer.
"""

from __future__ import annotations

import socket

_FILLERS = 4  # more connections than a queue of length 0 takes


class SilentAddress:
    """Holds `host:port` from the beginning until `close`.

    It listens, and its queue of connections is full, so the kernel drops the first packet of each
    new one.

    Raises:
        OSError: somebody else listens there.
    """

    def __init__(self, host: str, port: int) -> None:
        listener = socket.socket()
        self._sockets = [listener]
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(0)
            for _ in range(_FILLERS):
                filler = socket.socket()
                self._sockets.append(filler)
                filler.setblocking(False)
                filler.connect_ex((host, port))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Connections are refused from now on; idempotent."""
        for each in self._sockets:
            each.close()
