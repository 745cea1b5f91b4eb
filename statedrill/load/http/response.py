"""One HTTP answer as it arrives: the target of the parser's callbacks.

Keeps the few header fields that a session needs, and the body. Knows no socket and no meaning.
"""

from __future__ import annotations

from typing import Any

# More than this is not an answer of a web application but a fault (or an attack on the memory).
MAX_ANSWER_BYTES = 64 * 1024 * 1024

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


class Answer:
    """The answer to the request in flight; used again for the next one.

    `status` is 0 until a whole answer is there. `fields` holds the wanted header fields by their
    lower-case names, `cookies` the values of every `Set-Cookie`.
    """

    __slots__ = (
        "_parts", "complete", "cookies", "fields", "headers_complete", "keep_alive", "parser",
        "status", "surplus",
    )  # fmt: skip

    def __init__(self) -> None:
        self.parser: Any = None  # the parser of the current connection
        self.fields: dict[bytes, bytes] = {}
        self.cookies: list[bytes] = []
        self._parts: list[bytes] = []
        self.reset()

    def reset(self) -> None:
        """Forget the last answer, before a request is sent."""
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
        """Whether only the end of the connection ends this answer (it told no length)."""
        fields = self.fields
        return (
            self.headers_complete
            and b"content-length" not in fields
            and b"transfer-encoding" not in fields
        )

    def on_message_begin(self) -> None:
        """A first byte; one more after a whole answer means that the connection is not in step.

        Raises:
            ValueError: that is so; the parser stops, and the answer stays as it is.
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
        """The header is whole; the parser forgets what it said about keep-alive with the body."""
        self.headers_complete = True
        self.keep_alive = self.parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        """One part of the body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was 100 Continue or its like: then it is still to come."""
        status = self.parser.get_status_code()
        if status < 200:
            self.reset()
        else:
            self.status = status
            self.complete = True


_spellings: dict[bytes, bytes] = {name: name for name in _WANTED}


def _learn(name: bytes) -> bytes:
    """The lower-case name of a wanted field, else nothing; remembers a bounded number of them."""
    lower = name.lower()
    key = lower if lower in _WANTED else b""
    if len(_spellings) < _MAX_SPELLINGS:
        _spellings[name] = key
    return key
