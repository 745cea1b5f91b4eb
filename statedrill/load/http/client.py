"""The HTTP/1.1 client of one user: one attempt per call, never a hidden retry.

A connection that the server closed while it was idle is noticed before a byte is sent and replaced;
that is no retry, and neither is the next address of a host where nobody answers. Knows nothing of
what a response means.
"""

from __future__ import annotations

import ssl
import time
from functools import cache
from urllib.parse import urlsplit

import gevent

from statedrill.errors import InputError
from statedrill.load.http.connection import ConnectError, Connection, connect
from statedrill.load.http.cookies import CookieJar
from statedrill.load.http.event_loop import Hub
from statedrill.load.http.name_resolution import NameResolution
from statedrill.load.http.response import Response

PER_SESSION = "session"
PER_REQUEST = "request"
# Happy Eyeballs (RFC 8305, section 8): how long browsers wait before they try the next address.
NEXT_ADDRESS_S = 0.25
_AT_ONCE_NS = 1_000_000  # a user whose next request comes sooner than this has no pause


class HttpClient:
    """Speaks to one host with one connection and one cookie jar, as one person's browser does.

    After each `exchange`: `response` (its `status` is 0 if it is not complete), `error` (empty, or
    what went wrong), `sent` (whether a byte of the request left), `call` and `ret` (monotonic ns).
    `connections` is `session` (keep-alive) or `request` (a new connection each time). `names` may
    be shared with other clients.
    """

    __slots__ = (
        "_connection", "_context", "_names", "_target", "_timeout_ns", "base", "call",
        "connect_timeout_s", "connected", "cookies", "error", "per_request", "response", "ret",
        "sent",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - a client takes that many words
        self,
        url: str,
        *,
        timeout_s: float = 10.0,
        connect_timeout_s: float = 5.0,
        connections: str = PER_SESSION,
        context: ssl.SSLContext | None = None,
        names: NameResolution | None = None,
    ) -> None:
        host, port, tls = target(url)
        self._target = host, port
        self._names = names or NameResolution()
        self._context = (context or default_context()) if tls else None
        self._connection: Connection | None = None
        self._timeout_ns = round(timeout_s * 1e9)
        self.connect_timeout_s = connect_timeout_s
        self.per_request = connections == PER_REQUEST
        self.cookies = CookieJar(secure=tls or host.startswith("127.") or host == "localhost")
        self.response = Response()
        named = f"[{host}]" if ":" in host else host
        shown = named if port == (443 if tls else 80) else f"{named}:{port}"
        closing = "Connection: close\r\n" if self.per_request else ""
        self.base = f" HTTP/1.1\r\nHost: {shown}\r\n{closing}".encode("latin-1")
        self.connected = 0
        self.error = ""
        self.sent = False
        self.call = 0
        self.ret = 0

    def exchange(self, line: bytes, fields: bytes, body: bytes = b"", path: str = "/") -> None:
        """Send one request and wait for the end of the exchange. Raises nothing of its own.

        `line` is the method and the target, `fields` more header lines, each with its CRLF.
        """
        self.response.reset()
        self.error = ""
        self.sent = False
        request = b"".join((line, self.base, self.cookies.header(path), fields, b"\r\n", body))
        last, self.ret = self.ret, 0
        self.call = time.monotonic_ns()
        try:
            connection = self._connection
            if connection is not None and self.call - last < _AT_ONCE_NS:
                yield_to_ready_users()
                self.call = time.monotonic_ns()  # the wait was ours, not the server's
            if connection is None or not connection.usable():
                connection = self._connect()
            try:
                connection.exchange(request, self._timeout_ns)
            finally:
                self.sent = connection.sent
                self.ret = connection.ret
            self.error = connection.error
        except ConnectError as error:
            self.error = str(error)
        finally:
            if not self.ret:
                self.ret = time.monotonic_ns()
        if self.response.cookies:
            for field in self.response.cookies:
                self.cookies.store(field, path)
        if self.per_request:
            self.drop()

    def drop(self) -> None:
        """Close the connection; the next exchange opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        """Connect to the first address of the host where somebody answers.

        Raises:
            ConnectError: nobody does at any of them; says what was wrong with the last.
        """
        self.drop()
        *others, last = self._names.addresses(self._target)
        for address in others:
            began_ns = time.monotonic_ns()
            try:
                return self._connected_to(address, min(NEXT_ADDRESS_S, self.connect_timeout_s))
            except ConnectError:
                self._names.add_failure(time.monotonic_ns() - began_ns)
        return self._connected_to(last, self.connect_timeout_s)

    def _connected_to(self, address: tuple[str, int], timeout_s: float) -> Connection:
        self._connection = connect(*address, timeout_s, self.response, self._context)
        self.connected += 1
        return self._connection


def target(url: str) -> tuple[str, int, bool]:
    """(host, port, whether TLS) of an URL such as `http://127.0.0.1:8080`.

    Raises:
        InputError: it is not such an URL.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/"):
        raise InputError(
            f"'{url}' is not the address of a host", "write it as http://127.0.0.1:8080"
        )
    tls = parts.scheme == "https"
    return host, port or (443 if tls else 80), tls


def checked_address(host: str | None) -> str:
    """The address to send to.

    Raises:
        InputError: neither `-H` nor a running cluster named one, or it is not one.
    """
    if not host:
        raise InputError(
            "there is no host to send users to",
            "start a cluster with `statedrill up`, or name one with -H http://...",
        )
    target(host)
    return host


def yield_to_ready_users() -> None:
    """Let every other user whose response has arrived reach the same point, then continue.

    Many users without a pause then send one right after the other, and a server on this machine is
    woken once for all of them: an operation costs an eighth less processor time.
    """
    hub: Hub = gevent.get_hub()
    wake_up = hub.loop.run_callback(gevent.getcurrent().switch)
    try:
        hub.switch()
    except BaseException:
        wake_up.stop()  # this greenlet is killed: nothing may wake it where it waits next
        raise


@cache
def default_context() -> ssl.SSLContext:
    """A context that verifies the server's certificate and name; made once (it is slow)."""
    return ssl.create_default_context()
