"""The peer of `bench_app`: the same shop, served by bare ASGI.

Only the calls that `app_load` makes, with a dictionary for a router and bytes for headers: what
the application would cost without a framework. Everything behind the HTTP layer is the
application's own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
import uvicorn

from reference_app.model.model import Accepted, Credentials, Receipt, Versioned, Write, element
from reference_app.web.__main__ import server_config
from reference_app.web.application import Application
from reference_app.web.settings import WebSettings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
LISTS = {"cart": b"items"}


class Handwritten:
    """An ASGI application around the shop of an `Application`."""

    def __init__(self, settings: WebSettings) -> None:
        self._application = Application(settings)
        self._shop = self._application.shop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        status, body, headers = await self._answered(scope, receive)
        headers += [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        starting = asyncio.create_task(self._application.start())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await starting
        await self._application.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answered(self, scope: Scope, receive: Receive) -> tuple[int, bytes, Headers]:
        method, path = scope["method"], scope["path"].lstrip("/")
        if path == "health":
            return (200 if self._application.state == "ready" else 503), b"{}", []
        sent = dict(scope["headers"])
        wid = sent.get(b"x-write-id", b"").decode("latin-1")
        cookies = _cookies(sent.get(b"cookie", b"").decode("latin-1"))
        if path == "sign-in":
            user = orjson.loads((await receive())["body"])["user"]
            credentials, session = await self._shop.sign_in(Credentials.new(user, cookies), wid)
            fields = {"user": user, "session": session.id, "ver": session.ver, "wid": wid}
            return 200, orjson.dumps(fields), [_set_cookie("sid", credentials.cookie)]
        known = Credentials.of(cookies)
        assert known is not None
        status, body, headers = await self._signed_in(method, path, wid, known, receive)
        return status, body, [(b"x-session-id", known.session_id.encode()), *headers]

    async def _signed_in(
        self, method: str, path: str, wid: str, credentials: Credentials, receive: Receive
    ) -> tuple[int, bytes, Headers]:
        if method == "GET":
            return 200, _versioned(path, await self._shop.read(credentials, path)), []
        if method == "DELETE":
            write = Write(credentials.user, path, "clear", wid)
        elif method == "PUT":
            value = orjson.loads((await receive())["body"])["value"]
            write = Write(credentials.user, path, "set", wid, orjson.dumps(value))
        else:
            item = orjson.loads((await receive())["body"])
            line = element(wid, sku=item["sku"], quantity=item["quantity"])
            write = Write(credentials.user, "cart", "append", wid, line)
        return _outcome(await self._shop.write(credentials, write))


def _cookies(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            found.setdefault(name, value)
    return found


def _set_cookie(name: str, value: str) -> tuple[bytes, bytes]:
    age = "" if value else "; Max-Age=0"
    text = f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}"
    return (b"set-cookie", text.encode("latin-1"))


def _versioned(name: str, one: Versioned) -> bytes:
    field = LISTS.get(name, b"value")
    value = one.elements() if name in LISTS else one.value or b"null"
    wid = b"null" if one.wid is None else b'"%s"' % one.wid.encode()
    return b'{"ver":%d,"wid":%s,"%s":%s}' % (one.ver, wid, field, value)


def _outcome(outcome: Receipt | Accepted) -> tuple[int, bytes, Headers]:
    if isinstance(outcome, Receipt):
        return 200, orjson.dumps({"ver": outcome.ver, "wid": outcome.wid}), []
    headers = [_set_cookie(name, value) for name, value in outcome.cookies.items()]
    return 202, orjson.dumps({"wid": outcome.wid}), headers


if __name__ == "__main__":
    settings = WebSettings.read(os.environ)
    uvicorn.Server(server_config(Handwritten(settings), settings)).run()
