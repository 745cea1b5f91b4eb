"""A TCP relay in a thread: the network between two machines, which can be cut and mended."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading


class Relay:
    """Carries bytes between its own address and `to`; `cut` breaks and refuses connections."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.carried = 0
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._whole, self._stop = threading.Event(), threading.Event()
        self._whole.set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._drop(*self._pairs)
        self._listener.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._whole.is_set():
                self._drop(*self._pairs)
            with selectors.DefaultSelector() as ready:
                for each in (self._listener, *self._pairs):
                    ready.register(each, selectors.EVENT_READ)
                for key, _ in ready.select(0.02):
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj in self._pairs:
                        self._carry(key.fileobj)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        if not self._whole.is_set():
            near.close()
            return
        try:
            far = socket.create_connection(self._to, 5)
        except OSError:
            near.close()
            return
        self._pairs[near], self._pairs[far] = far, near

    def _carry(self, source: socket.socket) -> None:
        try:
            data = source.recv(1 << 16)
            self._pairs[source].sendall(data)
        except OSError:
            data = b""
        self.carried += len(data)
        if not data:
            self._drop(source)

    def _drop(self, *ends: socket.socket) -> None:
        for end in ends:
            other = self._pairs.pop(end, None)
            if other is not None:
                self._pairs.pop(other, None)
                for each in (end, other):
                    with contextlib.suppress(OSError):
                        each.close()
