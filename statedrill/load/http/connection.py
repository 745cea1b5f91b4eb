"""One TCP (or TLS) connection that carries one request at a time, driven by gevent's event loop.

The socket's watcher stays armed as long as the connection lives: the loop's own callback reads and
parses a response, and wakes the waiting user once, when it is complete. That makes it fast, and a
server that closes an idle connection is noticed at once. Knows bytes, not what they mean; never
sends anything twice.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable

import gevent
import gevent.monkey
import gevent.socket
from gevent import getcurrent
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from statedrill.load.http.deadlines import NEVER, Deadlines
from statedrill.load.http.event_loop import Greenlet, Hub
from statedrill.load.http.response import MAX_RESPONSE_BYTES, Response
from statedrill.load.http.tls import Tls, handshake

# Locust patches these modules; the connection never blocks, so it takes the originals.
_raw_socket: type[socket.socket] = gevent.monkey.get_original("socket", "socket")
_poll: Callable[[], select.poll] = gevent.monkey.get_original("select", "poll")

_READ, _WRITE = 1, 2
_CHUNK_BYTES = 64 * 1024


class ConnectError(Exception):
    """No connection: nothing of the request was sent. The text says why, in a word or two."""


class Connection:
    """A connection to one server; `response` is filled by `exchange`.

    After an exchange `error` is empty or says what went wrong, `sent` whether the operating
    system took at least one byte of the request, and `closed` whether it can be used again.
    """

    __slots__ = (
        "_deadlines", "_fd", "_parser", "_poller", "_received", "_response", "_socket",
        "_switch_to_hub", "_tls", "_waiting", "_watcher", "busy", "closed", "deadline_ns", "error",
        "ret", "sent",
    )  # fmt: skip
    _waiting: Greenlet  # the one in `exchange`

    def __init__(
        self, connected: socket.socket, response: Response, tls: Tls | None = None
    ) -> None:
        hub: Hub = gevent.get_hub()
        self._socket = connected
        self._fd = connected.fileno()
        self._response = response
        self._tls = tls
        self._parser = response.parser = HttpResponseParser(response)
        self._switch_to_hub = hub.switch
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
        """Whether the connection is open and silent, as the system says before a byte is sent."""
        if not self.closed and self._poller.poll(0):
            self._readable()
        return not self.closed

    def exchange(self, request: bytes, timeout_ns: int) -> None:
        """Send `request` once and wait for the complete response, an error, or the time-out.

        The caller has reset the response. Raises nothing of its own; an exception thrown into the
        waiting greenlet (when it is killed) passes through and leaves the connection closed.
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
        """The response did not come in time; `Deadlines` calls this in the event loop."""
        self._end("timeout")

    def _send(self, request: bytes) -> None:
        if self._tls is not None:
            request = self._tls.encrypt(request)
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
                watcher.start(getcurrent().switch)
                self._switch_to_hub()
                watcher.stop()
                if self.busy:
                    rest = rest[self._try_send(rest) :]
        finally:
            watcher.stop()
            watcher.close()
        if rest:
            # The response came before the whole request was sent: the stream is out of sync.
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
                data, ended = self._tls.decrypt(data)
            except ssl.SSLError as error:
                self._end(f"tls: {error.reason or error}")
                return
        if data:
            self._feed(data)
        if ended:
            self._end_of_stream()

    def _feed(self, data: bytes) -> None:
        if not self.busy:
            self.close()  # unsolicited bytes: the peer is closing, or the stream is out of sync
            return
        response = self._response
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._end("nonsense: an upgrade nobody asked for")
            return
        except HttpParserError as error:
            if not response.complete:
                self._end(f"nonsense: {error}")
                return
            response.surplus = True
        if response.complete:
            self._complete()
        elif self._received > MAX_RESPONSE_BYTES:
            self._end("nonsense: an answer too large")

    def _complete(self) -> None:
        self.ret = time.monotonic_ns()
        self.busy = False
        if self._response.surplus or not self._response.keep_alive:
            self.close()
        self._waiting.switch()

    def _end_of_stream(self) -> None:
        response = self._response
        if self.busy and response.ends_with_connection and not response.complete:
            response.on_message_complete()
            self._complete()
            return
        self._end("closed early" if self._received else "closed without an answer")

    def _end(self, error: str) -> None:
        """The connection is over: wake the waiting greenlet, if there is one."""
        waiting, self.busy = self.busy, False
        self.close()
        if waiting:
            self.error = error
            self._waiting.switch()


def connect(
    host: str,
    port: int,
    timeout_s: float,
    response: Response,
    context: ssl.SSLContext | None = None,
) -> Connection:
    """A new connection; with `context` the TLS handshake is done and the server verified.

    Raises:
        ConnectError: no such name, refused, unreachable, time-out, or TLS failed; no byte of
            the request was sent.
    """
    fresh = None
    try:
        fresh = gevent.socket.create_connection((host, port), timeout_s)
        tls = None if context is None else handshake(fresh, host, context)
        fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        family, kind = fresh.family, fresh.type
        raw = _raw_socket(family, kind, 0, fileno=fresh.detach())
        raw.setblocking(False)
        return Connection(raw, response, tls)
    except ssl.SSLError as error:
        raise ConnectError(f"tls: {getattr(error, 'verify_message', '') or error.reason}") from None
    except socket.gaierror as error:
        raise ConnectError(f"no such name: {error.strerror}") from None
    except TimeoutError:
        raise ConnectError("connect timeout") from None
    except OSError as error:
        raise ConnectError(_reason(error)) from None
    finally:
        if fresh is not None:
            fresh.close()  # detached by now, unless something failed


def _reason(error: OSError) -> str:
    words: dict[type[OSError], str] = {
        ConnectionRefusedError: "refused",
        ConnectionResetError: "reset",
    }
    return words.get(type(error)) or (error.strerror or type(error).__name__).lower()
