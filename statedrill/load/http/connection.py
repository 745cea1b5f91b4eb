"""One TCP (or TLS) connection that carries one request at a time, driven by gevent's event loop.

The socket's watcher stays armed for the connection's whole life: an answer is read and parsed in
the loop's own callback, and the waiting user is woken once, when it is whole. That is what makes
it fast, and it notices at once when a server closes an idle connection. Knows bytes, not meaning;
never sends anything twice.
"""

from __future__ import annotations

import select
import socket as _socket
import ssl
import time
from typing import Any

import gevent
import gevent.monkey
import gevent.socket
from gevent import getcurrent
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from statedrill.load.http.deadlines import NEVER, Deadlines
from statedrill.load.http.response import MAX_ANSWER_BYTES, Answer

# Locust patches these modules; the connection never blocks, so it takes the originals.
_raw_socket: Any = gevent.monkey.get_original("socket", "socket")
_poll: Any = gevent.monkey.get_original("select", "poll")

_READ, _WRITE = 1, 2
_CHUNK_BYTES = 64 * 1024


class ConnectError(Exception):
    """No connection: nothing of the request was sent. The text says why in a word or two."""


class Connection:
    """A connection to one server; `answer` is filled by `exchange`.

    After an exchange `error` is empty or says what went wrong, `sent` whether the operating
    system took at least one byte of the request, and `closed` whether it can be used again.
    """

    __slots__ = (
        "_answer", "_deadlines", "_fd", "_incoming", "_outgoing", "_parser", "_poller",
        "_received", "_socket", "_switch_to_hub", "_tls", "_waiting", "_watcher", "busy", "closed",
        "deadline_ns", "error", "ret", "sent",
    )  # fmt: skip

    def __init__(
        self, connected: Any, answer: Answer, tls: tuple[Any, Any, Any] | None = None
    ) -> None:
        hub = gevent.get_hub()
        self._socket = connected
        self._fd = connected.fileno()
        self._answer = answer
        self._tls: Any
        self._incoming: Any
        self._outgoing: Any
        self._tls, self._incoming, self._outgoing = tls or (None, None, None)
        self._parser = answer.parser = HttpResponseParser(answer)
        self._switch_to_hub = hub.switch
        self._waiting: Any = None  # the greenlet in `exchange`
        self.deadline_ns = NEVER
        self._deadlines = Deadlines.of(hub)
        self._deadlines.watch(self)
        self._poller = _poll()
        self._poller.register(self._fd, select.POLLIN)
        self._watcher = hub.loop.io(self._fd, _READ)
        self._watcher.start(self._readable)
        self._received = 0
        self.busy = False
        self.closed = False
        self.error = ""
        self.sent = False
        self.ret = 0

    def usable(self) -> bool:
        """Whether the connection is open and silent, asked of the system before a byte is sent."""
        if not self.closed and self._poller.poll(0):
            self._readable()
        return not self.closed

    def exchange(self, request: bytes, timeout_ns: int) -> None:
        """Send `request` once and wait for its whole answer, an error, or the time-out.

        The caller has reset the answer. Raises nothing of its own; an exception thrown into the
        waiting greenlet (its end) passes through and leaves the connection closed.
        """
        self._received = 0
        self.error = ""
        self.sent = False
        self.ret = 0
        self.busy = True
        self.deadline_ns = time.monotonic_ns() + timeout_ns
        self._waiting = getcurrent()
        try:
            self._send(request)
            while self.busy:
                self._switch_to_hub()
        except OSError as error:
            self.error = self.error or _reason(error)
        finally:
            self.deadline_ns = NEVER
            if self.busy or self.error:
                self.busy = False
                self.close()

    def close(self) -> None:
        """Close; safe to call twice."""
        if not self.closed:
            self.closed = True
            self._deadlines.forget(self)
            self._watcher.stop()
            self._watcher.close()
            self._socket.close()

    def expire(self) -> None:
        """Called by the deadlines in the event loop: the answer did not come in time."""
        self._end("timeout")

    def _send(self, request: bytes) -> None:
        if self._tls is not None:
            self._tls.write(request)
            request = self._outgoing.read()
        try:
            count = self._socket.send(request)
        except BlockingIOError:
            count = 0
        if count:
            self.sent = True
        if count < len(request):
            self._send_rest(memoryview(request)[count:])

    def _send_rest(self, rest: memoryview) -> None:
        watcher = gevent.get_hub().loop.io(self._fd, _WRITE)
        try:
            while rest and self.busy:
                watcher.start(self._waiting.switch)
                self._switch_to_hub()
                watcher.stop()
                if self.busy:
                    rest = rest[self._try_send(rest) :]
        finally:
            watcher.stop()
            watcher.close()
        if rest:
            # An answer before the request was whole: what follows on this connection is not clear.
            self.close()

    def _try_send(self, rest: memoryview) -> int:
        try:
            count: int = self._socket.send(rest)
        except BlockingIOError:
            return 0
        self.sent = self.sent or count > 0
        return count

    def _readable(self) -> None:
        """The watcher's callback (in the hub), and `usable`'s way to look at an idle connection."""
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(_reason(error))
            return
        ended = not data
        if self._tls is not None:
            try:
                data, ended = self._decrypt(data)
            except ssl.SSLError as error:
                self._end(f"tls: {error.reason or error}")
                return
        if data:
            self._feed(data)
        if ended:
            self._end_of_stream()

    def _feed(self, data: bytes) -> None:
        if not self.busy:
            self.close()  # words that nobody asked for: a farewell, or out of step
            return
        answer = self._answer
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._end("nonsense: an upgrade nobody asked for")
            return
        except HttpParserError as error:
            if not answer.complete:
                self._end(f"nonsense: {error}")
                return
            answer.surplus = True
        if answer.complete:
            self._whole()
        elif self._received > MAX_ANSWER_BYTES:
            self._end("nonsense: an answer too large")

    def _whole(self) -> None:
        self.ret = time.monotonic_ns()
        self.busy = False
        if self._answer.surplus or not self._answer.keep_alive:
            self.close()
        self._waiting.switch()

    def _end_of_stream(self) -> None:
        answer = self._answer
        if self.busy and answer.ends_with_connection and not answer.complete:
            answer.on_message_complete()
            self._whole()
            return
        self._end("closed early" if self._received else "closed without an answer")

    def _end(self, error: str) -> None:
        """The connection is over; wakes whoever waits for it."""
        waiting, self.busy = self.busy, False
        self.close()
        if waiting:
            self.error = error
            self._waiting.switch()

    def _decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """(plain bytes, whether the stream ended)."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        parts: list[bytes] = []
        try:
            # An empty read is the other side's orderly farewell.
            while part := self._tls.read(_CHUNK_BYTES):
                parts.append(part)
        except ssl.SSLWantReadError:
            return b"".join(parts), False
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass
        return b"".join(parts), True


def connect(
    host: str, port: int, timeout_s: float, answer: Answer, context: ssl.SSLContext | None = None
) -> Connection:
    """A new connection; with `context` the TLS handshake is done and the server verified.

    Raises:
        ConnectError: no name, refused, unreachable, time-out, or TLS failed; no request byte
            was sent.
    """
    fresh = None
    try:
        fresh = gevent.socket.create_connection((host, port), timeout_s)
        tls = None if context is None else _handshake(fresh, host, context)
        fresh.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        family, kind = fresh.family, fresh.type
        raw = _raw_socket(family, kind, 0, fileno=fresh.detach())
        raw.setblocking(False)
        return Connection(raw, answer, tls)
    except ssl.SSLError as error:
        raise ConnectError(f"tls: {getattr(error, 'verify_message', '') or error.reason}") from None
    except _socket.gaierror as error:
        raise ConnectError(f"no such name: {error.strerror}") from None
    except TimeoutError:
        raise ConnectError("connect timeout") from None
    except OSError as error:
        raise ConnectError(_reason(error)) from None
    finally:
        if fresh is not None:
            fresh.close()  # detached by now, unless something failed


def _handshake(fresh: Any, host: str, context: ssl.SSLContext) -> tuple[Any, Any, Any]:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
    while True:
        try:
            tls.do_handshake()
            fresh.sendall(outgoing.read())
            return tls, incoming, outgoing
        except ssl.SSLWantReadError:
            fresh.sendall(outgoing.read())
            data = fresh.recv(_CHUNK_BYTES)
            if data:
                incoming.write(data)
            else:
                incoming.write_eof()


def _reason(error: OSError) -> str:
    words: dict[type[OSError], str] = {
        ConnectionRefusedError: "refused",
        ConnectionResetError: "reset",
    }
    return words.get(type(error)) or (error.strerror or type(error).__name__).lower()
