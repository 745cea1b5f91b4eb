"""One HTTP response as it arrives: the target of the parser's callbacks.

Keeps the few header fields that a session needs, and the body. Knows neither the socket nor what
the response means.
"""

from __future__ import annotations

from typing import Protocol

# More than this is not a response of a web application but a fault (or an attack on the memory).
MAX_RESPONSE_BYTES = 64 * 1024 * 1024

_WANTED = (
    b"set-cookie",
    b"x-session-id",
    b"x-instance-id",
    b"x-ver",
    b"x-write-id",
    b"content-length",
    b"transfer-encoding",
    b"connection",
)
_MAX_SPELLINGS = 512


class Parser(Protocol):
    """What a response asks the parser that fills it (httptools has no types)."""

    def should_keep_alive(self) -> bool:
        """Whether the connection can carry another request."""

    def get_status_code(self) -> int:
        """The status of the response."""


class Response:
    """The response to the request in flight; used again for the next one.

    `status` is 0 until the response is complete. `fields` holds the wanted header fields by their
    lower-case names, `cookies` the values of every `Set-Cookie`. `surplus`: bytes follow that no
    request asked for.
    """

    __slots__ = (
        "_parts", "complete", "cookies", "fields", "headers_complete", "keep_alive", "parser",
        "status", "surplus",
    )  # fmt: skip
    parser: Parser  # that of the connection, which sets it

    def __init__(self) -> None:
        self.fields: dict[bytes, bytes] = {}
        self.cookies: list[bytes] = []
        self._parts: list[bytes] = []
        self.reset()

    def reset(self) -> None:
        """Forget the last response, before a request is sent."""
        self.status = 0
        self.complete = False
        self.headers_complete = False
        self.keep_alive = False
        self.surplus = False
        if self.fields:
            self.fields.clear()
        if self.cookies:
            self.cookies.clear()
        if self._parts:
            self._parts.clear()

    @property
    def body(self) -> bytes:
        """The body read so far."""
        parts = self._parts
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def ends_with_connection(self) -> bool:
        """Whether only the end of the connection ends this response (it has no length)."""
        fields = self.fields
        return (
            self.headers_complete
            and b"content-length" not in fields
            and b"transfer-encoding" not in fields
        )

    def on_message_begin(self) -> None:
        """The parser saw a first byte.

        Raises:
            ValueError: the response was complete already; the parser stops, and it stays as it is.
        """
        if self.complete:
            self.surplus = True
            raise ValueError("an answer nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field."""
        key = _spellings.get(name)
        if key is None:
            key = _learn(name)
        if key == b"set-cookie":
            self.cookies.append(value)
        elif key:
            self.fields[key] = value

    def on_headers_complete(self) -> None:
        """The header is complete; the parser forgets about keep-alive when it reads the body."""
        self.headers_complete = True
        self.keep_alive = self.parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        """One part of the body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """The response is complete; after an interim one (100 Continue) it is still to come."""
        status = self.parser.get_status_code()
        if status < 200:
            self.reset()
        else:
            self.status = status
            self.complete = True


_spellings: dict[bytes, bytes] = {name: name for name in _WANTED}


def _learn(name: bytes) -> bytes:
    """The lower-case name of a wanted field, else b""; remembers a bounded number of spellings."""
    lower = name.lower()
    key = lower if lower in _WANTED else b""
    if len(_spellings) < _MAX_SPELLINGS:
        _spellings[name] = key
    return key
