"""The HTTP contract: paths, bodies, headers and status codes around the shop.

Knows HTTP and the shop; knows no store. What an error says is true: `executed: false` only when
surely nothing was changed, `"unknown"` when it cannot be told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from reference_app.aws.object_storage import Blob
from reference_app.http.asgi import JSON_TYPE, BadRequest, Request, Response, Router
from reference_app.model.model import (
    NAME,
    ORDERS,
    REGISTERS,
    Accepted,
    Caller,
    NotSignedIn,
    ObjectGone,
    Operation,
    Stamp,
    Versioned,
    Write,
    element,
)
from reference_app.shop.service import Shop

JSON_LIMIT_BYTES = 128 * 1024
UPLOAD_LIMIT_BYTES = 8 * 1024 * 1024
SESSION_COOKIE = "sid"
LISTS = {"cart": "items", "history": "entries", ORDERS: "orders"}
"""Name of a list object and of the field its elements are answered in."""

SignedIn = Callable[[Request, Caller], Awaitable[Response]]


class Handlers:
    """One method for each call of the contract."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def router(self) -> Router:
        """Every call and its handler."""
        router = Router()
        router.add("POST", "/sign-in", self.sign_in)
        signed_in: list[tuple[str, str, SignedIn]] = [
            ("POST", "/sign-out", self.sign_out),
            ("GET", "/session", self.session),
            ("POST", "/cart/items", self.add_item),
            ("DELETE", "/cart/items/", self.remove_item),
            ("DELETE", "/cart", self.clear_cart),
            ("POST", "/history", self.append_history),
            ("GET", "/recommendations", self.recommendations),
            ("PUT", "/uploads/", self.put_upload),
            ("GET", "/uploads/", self.get_upload),
            ("POST", "/orders", self.order),
        ]
        signed_in += [("GET", f"/{name}", self._reader_of_register(name)) for name in REGISTERS]
        signed_in += [("PUT", f"/{name}", self._writer_of_register(name)) for name in REGISTERS]
        signed_in += [("GET", f"/{name}", self._reader_of_list(name)) for name in LISTS]
        for method, path, handler in signed_in:
            router.add(method, path, _signed_in(handler))
        return router

    async def sign_in(self, request: Request) -> Response:
        """A new server session for the user in the body."""
        wid = _write_id(request)
        user = (await request.json(JSON_LIMIT_BYTES)).get("user")
        if not isinstance(user, str) or not NAME.fullmatch(user):
            raise BadRequest("`user` must be 1 to 100 characters of A-Z a-z 0-9 . _ -")
        caller, session = await self._shop.sign_in(Caller.new(user, request.cookies()), wid)
        response = Response.json(
            200, user=user, session=session.public, ver=session.ver, wid=session.wid
        )
        response.set_cookie(SESSION_COOKIE, caller.cookie)
        response.headers.append((b"x-session-id", session.public.encode()))
        return response

    async def sign_out(self, request: Request, caller: Caller) -> Response:
        """The end of the server session."""
        response = _answer(await self._shop.sign_out(caller, _write_id(request)))
        response.set_cookie(SESSION_COOKIE, "", max_age_s=0)
        return response

    async def session(self, request: Request, caller: Caller) -> Response:
        """Who is signed in, and by which sign-in."""
        session = await self._shop.session(caller)
        response = Response.json(
            200, user=session.user, session=session.public, ver=session.ver, wid=session.wid
        )
        response.headers.append((b"x-session-id", session.public.encode()))
        return response

    async def add_item(self, request: Request, caller: Caller) -> Response:
        """One more item in the cart; the write id becomes the item's id."""
        body = await request.json(JSON_LIMIT_BYTES)
        sku, quantity = body.get("sku"), body.get("quantity")
        if not isinstance(sku, str) or type(quantity) is not int or quantity < 1:
            raise BadRequest("`sku` must be a text and `quantity` a whole number from 1 up")
        wid = _write_id(request)
        line = element(wid, sku=sku, quantity=quantity)
        return await self._write(caller, "cart", "append", wid, line)

    async def remove_item(self, request: Request, caller: Caller) -> Response:
        """One item less; no error if it is not there."""
        identity = _name(request.rest)
        return await self._write(caller, "cart", "remove", _write_id(request), identity.encode())

    async def clear_cart(self, request: Request, caller: Caller) -> Response:
        """An empty cart."""
        return await self._write(caller, "cart", "clear", _write_id(request))

    async def append_history(self, request: Request, caller: Caller) -> Response:
        """One more article read."""
        article = (await request.json(JSON_LIMIT_BYTES)).get("article")
        if not isinstance(article, str):
            raise BadRequest("`article` must be a text")
        wid = _write_id(request)
        return await self._write(caller, "history", "append", wid, element(wid, article=article))

    async def order(self, request: Request, caller: Caller) -> Response:
        """A new order, once for each idempotency key."""
        wid = _write_id(request)
        key = _name(request.header(b"idempotency-key") or wid)
        items = (await request.json(JSON_LIMIT_BYTES)).get("items")
        if not isinstance(items, list):
            raise BadRequest("`items` must be a list")
        line = element(f"order-{wid}", wid=wid, key=key, items=items)
        outcome = await self._shop.write(
            caller, Write(caller.user, ORDERS, "order", wid, line, key)
        )
        if isinstance(outcome, Accepted):
            return _answer(outcome)
        order = f"order-{outcome.wid}"
        status = 200 if outcome.repeated else 201
        return Response.json(status, order=order, ver=outcome.ver, wid=outcome.wid)

    async def recommendations(self, request: Request, caller: Caller) -> Response:
        """What to read next."""
        history, articles = await self._shop.recommendations(caller)
        return _versioned(history, "articles", articles)

    async def put_upload(self, request: Request, caller: Caller) -> Response:
        """An image under a name."""
        name, wid = _name(request.rest), _write_id(request)
        content_type = request.header(b"content-type")
        if not content_type.startswith("image/"):
            raise BadRequest("only images can be uploaded", 415)
        blob = Blob(await request.body(UPLOAD_LIMIT_BYTES), content_type, wid)
        return _answer(await self._shop.put_upload(caller, name, blob))

    async def get_upload(self, request: Request, caller: Caller) -> Response:
        """The image, as it was stored."""
        try:
            record, blob = await self._shop.get_upload(caller, _name(request.rest))
        except ObjectGone as gone:
            return _absent(str(gone), gone.versioned)
        if blob is None:
            return _absent("never uploaded", record)
        headers = [
            (b"content-type", blob.content_type.encode("latin-1")),
            (b"x-ver", str(record.ver).encode()),
            (b"x-write-id", blob.wid.encode()),
        ]
        return Response(200, blob.body, headers)

    async def _write(
        self, caller: Caller, name: str, operation: Operation, wid: str, data: bytes = b""
    ) -> Response:
        write = Write(caller.user, name, operation, wid, data)
        return _answer(await self._shop.write(caller, write))

    def _reader_of_register(self, name: str) -> SignedIn:
        async def read(request: Request, caller: Caller) -> Response:
            one = await self._shop.read(caller, name)
            return _versioned(one, "value", one.value or b"null")

        return read

    def _writer_of_register(self, name: str) -> SignedIn:
        async def write(request: Request, caller: Caller) -> Response:
            body = await request.json(JSON_LIMIT_BYTES)
            if "value" not in body:
                raise BadRequest("`value` is missing")
            data = orjson.dumps(body["value"])
            return await self._write(caller, name, "set", _write_id(request), data)

        return write

    def _reader_of_list(self, name: str) -> SignedIn:
        field = LISTS[name]

        async def read(request: Request, caller: Caller) -> Response:
            one = await self._shop.read(caller, name)
            return _versioned(one, field, one.elements())

        return read


def _signed_in(handler: SignedIn) -> Callable[[Request], Awaitable[Response]]:
    """Find the caller by its cookie, and name its server session in the answer."""

    async def handle(request: Request) -> Response:
        caller = Caller.of(request.cookies())
        if caller is None:
            raise NotSignedIn("not signed in")
        response = await handler(request, caller)
        if not any(name == b"x-session-id" for name, _ in response.headers):
            response.headers.append((b"x-session-id", caller.public.encode()))
        return response

    return handle


def _answer(outcome: Stamp | Accepted) -> Response:
    if isinstance(outcome, Stamp):
        return Response.json(200, ver=outcome.ver, wid=outcome.wid)
    response = Response.json(202, wid=outcome.wid)
    for name, value in outcome.cookies.items():
        response.set_cookie(name, value, max_age_s=None if value else 0)
    return response


def _versioned(one: Versioned, field: str, json: bytes) -> Response:
    """`json` is JSON text already: it goes out as it was stored."""
    wid = b"null" if one.wid is None else b'"%s"' % one.wid.encode()
    return Response(
        200, b'{"ver":%d,"wid":%s,"%s":%s}' % (one.ver, wid, field.encode(), json), [JSON_TYPE]
    )


def _absent(error: str, record: Versioned) -> Response:
    fields: dict[str, Any] = {"ver": record.ver, "wid": record.wid}
    return Response.json(404, error=error, executed=False, absent=True, **fields)


def _write_id(request: Request) -> str:
    wid = request.header(b"x-write-id")
    if not NAME.fullmatch(wid):
        raise BadRequest("header X-Write-Id must be 1 to 100 characters of A-Z a-z 0-9 . _ -")
    return wid


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise BadRequest("a name must be 1 to 100 characters of A-Z a-z 0-9 . _ -")
    return text
