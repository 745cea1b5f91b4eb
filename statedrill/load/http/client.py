"""The HTTP/1.1 client of one user: one attempt per call, never a hidden retry.

A connection that the server closed while it was idle is noticed before a byte is sent and replaced;
that is no retry. What the answer means is not known here.
"""

from __future__ import annotations

import ssl
import time
from urllib.parse import urlsplit

import gevent

from statedrill.errors import InputError
from statedrill.load.http.connection import ConnectError, Connection, connect
from statedrill.load.http.cookies import CookieJar
from statedrill.load.http.response import Answer

PER_SESSION = "session"
PER_REQUEST = "request"
_AT_ONCE_NS = 1_000_000  # a user who goes on sooner than this after an answer is a busy one


class HttpClient:
    """Speaks to one host with one connection and one cookie jar, as one person's browser does.

    After each `exchange`: `answer` (its `status` is 0 without a whole answer), `error` (empty, or
    what went wrong), `sent` (whether a byte of the request left), `call` and `ret` (monotonic ns).
    `connections` is `session` (keep-alive) or `request` (a new connection each time).
    """

    __slots__ = (
        "_connection", "_context", "_host", "_port", "_timeout_ns", "answer", "base", "call",
        "connect_timeout_s", "connected", "cookies", "error", "per_request", "ret", "sent",
    )  # fmt: skip

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 10.0,
        connect_timeout_s: float = 5.0,
        connections: str = PER_SESSION,
        context: ssl.SSLContext | None = None,
    ) -> None:
        host, port, tls = target(url)
        self._host, self._port = host, port
        self._context = (context or default_context()) if tls else None
        self._connection: Connection | None = None
        self._timeout_ns = round(timeout_s * 1e9)
        self.connect_timeout_s = connect_timeout_s
        self.per_request = connections == PER_REQUEST
        self.cookies = CookieJar(secure=tls or host.startswith("127.") or host == "localhost")
        self.answer = Answer()
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
        """Send one request and wait for its end. Raises nothing of its own.

        `line` is the method and the target, `fields` more header lines, each with its CRLF.
        """
        self.answer.reset()
        self.error = ""
        self.sent = False
        request = b"".join((line, self.base, self.cookies.header(path), fields, b"\r\n", body))
        last, self.ret = self.ret, 0
        self.call = time.monotonic_ns()
        try:
            connection = self._connection
            if connection is not None and self.call - last < _AT_ONCE_NS:
                line_up()
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
        if self.answer.cookies:
            for field in self.answer.cookies:
                self.cookies.store(field, path)
        if self.per_request:
            self.drop()

    def drop(self) -> None:
        """Close the connection; the next exchange opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        self.drop()
        self._connection = connect(
            self._host, self._port, self.connect_timeout_s, self.answer, self._context
        )
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


def line_up() -> None:
    """Let every other user whose answer has arrived come as far as this, then go on.

    Many busy users then send one right after the other, and a server on this machine is not woken
    anew for each request: an operation costs an eighth less processor time.
    """
    hub = gevent.get_hub()
    turn = hub.loop.run_callback(gevent.getcurrent().switch)
    try:
        hub.switch()
    except BaseException:
        turn.stop()  # killed: its turn must not wake this greenlet where it waits for other things
        raise


_contexts: dict[str, ssl.SSLContext] = {}


def default_context() -> ssl.SSLContext:
    """Verifies the server's certificate and name; one for the process (making one is slow)."""
    if "default" not in _contexts:
        _contexts["default"] = ssl.create_default_context()
    return _contexts["default"]
