"""What a user's state is and what a write does to it: pure values, no sockets, no clock.

Knows nothing of HTTP, stores or queues. Every store must have the effect of `apply_write` here;
the Lua script of the Valkey store says the same in another language, and a test compares them.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Literal

import orjson

Operation = Literal["set", "append", "remove", "clear", "order"]
Stream = Literal["state", "orders"]

REGISTERS = ("preferences", "draft")
SESSION = "session"
ORDERS = "orders"
NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
"""User names, write ids, upload names and idempotency keys: safe in keys, cookies and headers."""


class ShopError(Exception):
    """An error that the client sees; `args[0]` is the sentence that it reads."""


class NotSignedIn(ShopError):
    """The cookie names no active server session; nothing was changed."""


class Unavailable(ShopError):
    """A dependency did not take the request; nothing was changed."""


class OutcomeUnknown(ShopError):
    """The connection broke after the write had been sent; it may or may not have been applied."""


class ObjectGone(ShopError):
    """The record of an upload is there, but the object that it names is not."""

    def __init__(self, versioned: Versioned) -> None:
        super().__init__("the uploaded object is gone")
        self.versioned = versioned


@dataclass(frozen=True, slots=True)
class Versioned:
    """One stored object: `ver` counts applied writes, `wid` is the id of the last of them.

    `value` is JSON text for a register and JSON lines (one element a line, oldest first) for a
    list. JSON text never contains a raw newline, so splitting lines needs no parser, in Lua too.
    """

    ver: int = 0
    wid: str | None = None
    value: bytes | None = None

    def elements(self) -> bytes:
        """The lines of a list as one JSON array."""
        return b"[" + (self.value or b"").replace(b"\n", b",") + b"]"


NEVER_WRITTEN = Versioned()


@dataclass(frozen=True, slots=True)
class Write:
    """One attempt to change one object of one user.

    `data`: the JSON text of a register, the JSON line of an element, or the id to remove.
    `key`: idempotency key (orders only). `apply_id`: replaces the write id as deduplication id.
    """

    user: str
    object: str
    operation: Operation
    wid: str
    data: bytes = b""
    key: str = ""
    apply_id: str = ""

    @property
    def deduplication_id(self) -> str:
        """Stores remember it, so that applying one write twice has the effect of once."""
        return self.apply_id or self.wid

    @property
    def stream(self) -> Stream:
        """The queue that this write travels in, and the order it is kept in, when it is queued."""
        return "orders" if self.object == ORDERS else "state"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A write that is applied and visible: the version that it made, and its id.

    `repeated` is true when an earlier attempt with the same idempotency key had made it.
    """

    ver: int
    wid: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """A write that is durable in a queue but not yet visible.

    The client must keep `cookies`; an empty value deletes the cookie.
    """

    wid: str
    cookies: dict[str, str]


Outcome = Receipt | Accepted
"""What a store answers to a write that succeeded."""


@dataclass(frozen=True, slots=True)
class Session:
    """A server session as the client may know it; `ver` and `wid` are those of its sign-in."""

    id: str
    user: str
    ver: int
    wid: str


@dataclass(slots=True)
class Credentials:
    """The cookies of a request, with the session cookie taken apart.

    The session cookie is `token~user`. Naming the user lets a store reach session and object in
    one round trip; the token proves who the user is. A store puts into `keep` the cookies that the
    client must keep from now on; an empty value deletes the cookie.
    """

    token: str
    user: str
    cookies: dict[str, str] = field(default_factory=dict)
    keep: dict[str, str] = field(default_factory=dict)

    @property
    def session_id(self) -> str:
        """Sixteen hex digits, one to one with the token.

        A hash, so that neither a response nor the content of a store reveals the cookie.
        """
        return hashlib.blake2b(self.token.encode(), digest_size=8).hexdigest()

    @property
    def cookie(self) -> str:
        """The value of the session cookie."""
        return f"{self.token}~{self.user}"

    @classmethod
    def of(cls, cookies: dict[str, str]) -> Credentials | None:
        """What these cookies claim, or None when there is no well-formed session cookie."""
        token, _, user = cookies.get("sid", "").partition("~")
        if not token or not NAME.fullmatch(user):
            return None
        return cls(token, user, cookies)

    @classmethod
    def new(cls, user: str, cookies: dict[str, str] | None = None) -> Credentials:
        """Credentials with a fresh unguessable token."""
        return cls(secrets.token_urlsafe(18), user, cookies or {})


def apply_write(write: Write, before: Versioned) -> Versioned:
    """The object after `write`; an order whose key is already there leaves it unchanged."""
    if write.operation == "order" and find_order(before, write.key) is not None:
        return before
    return Versioned(before.ver + 1, write.wid, _new_value(write, before.value or b""))


def find_order(orders: Versioned, key: str) -> Receipt | None:
    """The receipt of the order made under this idempotency key, if there is one."""
    for place, line in enumerate((orders.value or b"").splitlines(), start=1):
        order = orjson.loads(line)
        if order["key"] == key:
            return Receipt(place, order["wid"], repeated=True)
    return None


def element(identity: str, **fields: object) -> bytes:
    """One JSON line of a list. The id comes first, because removal looks for it there."""
    return orjson.dumps({"id": identity, **fields})


def _new_value(write: Write, lines: bytes) -> bytes:
    if write.operation == "set":
        return write.data
    if write.operation == "clear":
        return b""
    if write.operation == "remove":
        start = b'{"id":"' + write.data + b'"'
        return b"\n".join(line for line in lines.split(b"\n") if not line.startswith(start))
    return lines + b"\n" + write.data if lines else write.data
