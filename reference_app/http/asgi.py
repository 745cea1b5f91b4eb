"""Requests, responses and a router on bare ASGI; knows HTTP and nothing of the shop.

Written by hand because a framework's layers cost more than all the work of one request here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
JSON_TYPE = (b"content-type", b"application/json")


class BadRequest(Exception):
    """The request cannot be understood; `status` is a 4xx."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Request:
    """One request; `rest` is what follows the routed part of the path."""

    __slots__ = ("_headers", "_receive", "method", "path", "query", "rest")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.rest = ""
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._receive = receive

    def header(self, name: bytes) -> str:
        """The first header of this lower-case name, or the empty text."""
        for key, value in self._headers:
            if key == name:
                return value.decode("latin-1")
        return ""

    def cookies(self) -> dict[str, str]:
        """Name to value; the first one wins when a name is there twice."""
        found: dict[str, str] = {}
        for pair in self.header(b"cookie").split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals:
                found.setdefault(name, value)
        return found

    async def body(self, limit_bytes: int) -> bytes:
        """The whole body. Raises BadRequest (413) when it is longer than `limit_bytes`."""
        chunks: list[bytes] = []
        length = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BadRequest("the body is not complete")
            chunk = message.get("body", b"")
            chunks.append(chunk)
            length += len(chunk)
            if length > limit_bytes:
                raise BadRequest(f"the body is longer than {limit_bytes} bytes", 413)
            more = message.get("more_body", False)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def json(self, limit_bytes: int) -> dict[str, Any]:
        """The body as a JSON object. Raises BadRequest."""
        try:
            value = orjson.loads(await self.body(limit_bytes))
        except orjson.JSONDecodeError as error:
            raise BadRequest("the body is not JSON") from error
        if not isinstance(value, dict):
            raise BadRequest("the body is not a JSON object")
        return value


@dataclass(slots=True)
class Response:
    """Status, body and headers, as they go out."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [JSON_TYPE])

    @classmethod
    def json(cls, code: int, /, **fields: Any) -> Response:
        """A JSON object."""
        return cls(code, orjson.dumps(fields))

    def set_cookie(self, name: str, value: str, *, max_age_s: int | None = None) -> None:
        """A cookie for the whole site that scripts in a page cannot read."""
        age = "" if max_age_s is None else f"; Max-Age={max_age_s}"
        text = f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}"
        self.headers.append((b"set-cookie", text.encode("latin-1")))

    async def send(self, send: Send) -> None:
        """Hand it to the server."""
        length = (b"content-length", str(len(self.body)).encode())
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [*self.headers, length],
            }
        )
        await send({"type": "http.response.body", "body": self.body})


Handler = Callable[[Request], Awaitable[Response]]


class Router:
    """Finds the handler of a request: exact paths, and prefixes with a rest such as `/uploads/`."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, Handler]] = {}
        self._prefixes: list[tuple[str, dict[str, Handler]]] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        """`path` that ends in `/` (but is not the root) takes everything below it."""
        if path == "/" or not path.endswith("/"):
            self._exact.setdefault(path, {})[method] = handler
            return
        for prefix, methods in self._prefixes:
            if prefix == path:
                methods[method] = handler
                return
        self._prefixes.append((path, {method: handler}))

    def find(self, request: Request) -> Handler:
        """The handler; sets `request.rest`. Raises BadRequest with 404 or 405."""
        methods = self._exact.get(request.path)
        if methods is None:
            methods = self._below(request)
        handler = methods.get(request.method)
        if handler is None:
            raise BadRequest(f"{request.method} is not possible here", 405)
        return handler

    def _below(self, request: Request) -> dict[str, Handler]:
        for prefix, methods in self._prefixes:
            if request.path.startswith(prefix):
                request.rest = request.path[len(prefix) :]
                return methods
        raise BadRequest("there is no such page", 404)
