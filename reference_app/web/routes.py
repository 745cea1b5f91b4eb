"""The HTTP contract: which path does what to the shop.

Knows paths, request bodies and the shop; knows no store.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reference_app.aws.object_storage import Blob
from reference_app.model.model import (
    NAME,
    ORDERS,
    REGISTERS,
    Accepted,
    Credentials,
    NotSignedIn,
    Operation,
    Session,
    Write,
    element,
)
from reference_app.shop.service import ShopService
from reference_app.web.responses import (
    absent_response,
    json_response,
    object_response,
    read_body,
    read_json,
    set_cookie,
    write_response,
)

UPLOAD_LIMIT_BYTES = 8 * 1024 * 1024
SESSION_COOKIE = "sid"
LISTS = {"cart": "items", "history": "entries", ORDERS: "orders"}
"""Name of a list object and of the field that holds its elements in a response."""

Endpoint = Callable[[Request], Awaitable[Response]]
SignedInEndpoint = Callable[[Request, Credentials], Awaitable[Response]]


def signed_in(endpoint: SignedInEndpoint) -> Endpoint:
    """Take the credentials from the cookies, and name their server session in the response."""

    async def with_credentials(request: Request) -> Response:
        credentials = Credentials.of(request.cookies)
        if credentials is None:
            raise NotSignedIn("not signed in")
        response = await endpoint(request, credentials)
        response.headers["x-session-id"] = credentials.session_id
        for name, value in credentials.keep.items():
            set_cookie(response, name, value)
        return response

    return with_credentials


class ShopRoutes:
    """One method for each call of the contract."""

    def __init__(self, shop: ShopService) -> None:
        self._shop = shop

    def routes(self) -> list[Route]:
        """Every path with its method and endpoint."""

        def route(method: str, path: str, endpoint: SignedInEndpoint) -> Route:
            return Route(path, signed_in(endpoint), methods=[method])

        return [
            *(route("GET", f"/{name}", partial(self.read_register, name)) for name in REGISTERS),
            *(route("PUT", f"/{name}", partial(self.write_register, name)) for name in REGISTERS),
            *(route("GET", f"/{name}", partial(self.read_list, name)) for name in LISTS),
            route("POST", "/cart/items", self.add_item),
            route("DELETE", "/cart/items/{item}", self.remove_item),
            route("DELETE", "/cart", self.clear_cart),
            route("POST", "/history", self.append_history),
            route("GET", "/recommendations", self.recommendations),
            route("PUT", "/uploads/{name}", self.put_upload),
            route("GET", "/uploads/{name}", self.get_upload),
            route("POST", "/orders", self.order),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            route("POST", "/sign-out", self.sign_out),
            route("GET", "/session", self.session),
        ]

    async def sign_in(self, request: Request) -> Response:
        """A new server session for the user in the body."""
        wid = _write_id(request)
        user = (await read_json(request)).get("user")
        if not isinstance(user, str) or not NAME.fullmatch(user):
            raise HTTPException(400, "`user` must be 1 to 100 characters of A-Z a-z 0-9 . _ -")
        credentials, session = await self._shop.sign_in(Credentials.new(user, request.cookies), wid)
        response = _session_response(session)
        response.headers["x-session-id"] = session.id
        set_cookie(response, SESSION_COOKIE, credentials.cookie)
        return response

    async def sign_out(self, request: Request, credentials: Credentials) -> Response:
        """The end of the server session."""
        response = write_response(await self._shop.sign_out(credentials, _write_id(request)))
        set_cookie(response, SESSION_COOKIE, "")
        return response

    async def session(self, request: Request, credentials: Credentials) -> Response:
        """Who is signed in, and by which sign-in."""
        return _session_response(await self._shop.session(credentials))

    async def read_register(
        self, name: str, request: Request, credentials: Credentials
    ) -> Response:
        """The value of a register, as it was written."""
        one = await self._shop.read(credentials, name)
        return object_response(one, "value", one.value or b"null")

    async def write_register(
        self, name: str, request: Request, credentials: Credentials
    ) -> Response:
        """A new value of a register."""
        body = await read_json(request)
        if "value" not in body:
            raise HTTPException(400, "`value` is missing")
        data = orjson.dumps(body["value"])
        return await self._write(credentials, name, "set", _write_id(request), data)

    async def read_list(self, name: str, request: Request, credentials: Credentials) -> Response:
        """The elements of a list, oldest first."""
        one = await self._shop.read(credentials, name)
        return object_response(one, LISTS[name], one.elements())

    async def add_item(self, request: Request, credentials: Credentials) -> Response:
        """One more item in the cart; the write id becomes the item's id."""
        body = await read_json(request)
        sku, quantity = body.get("sku"), body.get("quantity")
        if not isinstance(sku, str) or type(quantity) is not int or quantity < 1:
            raise HTTPException(400, "`sku` must be a text and `quantity` a number from 1 up")
        wid = _write_id(request)
        line = element(wid, sku=sku, quantity=quantity)
        return await self._write(credentials, "cart", "append", wid, line)

    async def remove_item(self, request: Request, credentials: Credentials) -> Response:
        """One item less; no error if it is not there."""
        item, wid = _name(request.path_params["item"]), _write_id(request)
        return await self._write(credentials, "cart", "remove", wid, item.encode())

    async def clear_cart(self, request: Request, credentials: Credentials) -> Response:
        """An empty cart."""
        return await self._write(credentials, "cart", "clear", _write_id(request))

    async def append_history(self, request: Request, credentials: Credentials) -> Response:
        """One more article read."""
        article = (await read_json(request)).get("article")
        if not isinstance(article, str):
            raise HTTPException(400, "`article` must be a text")
        wid = _write_id(request)
        line = element(wid, article=article)
        return await self._write(credentials, "history", "append", wid, line)

    async def order(self, request: Request, credentials: Credentials) -> Response:
        """A new order, once for each idempotency key."""
        wid = _write_id(request)
        key = _name(request.headers.get("idempotency-key") or wid)
        items = (await read_json(request)).get("items")
        if not isinstance(items, list):
            raise HTTPException(400, "`items` must be a list")
        line = element(f"order-{wid}", wid=wid, key=key, items=items)
        outcome = await self._shop.write(
            credentials, Write(credentials.user, ORDERS, "order", wid, line, key)
        )
        if isinstance(outcome, Accepted):
            return write_response(outcome)
        fields = {"order": f"order-{outcome.wid}", "ver": outcome.ver, "wid": outcome.wid}
        return json_response(fields, 200 if outcome.repeated else 201)

    async def recommendations(self, request: Request, credentials: Credentials) -> Response:
        """What to read next."""
        history, articles = await self._shop.recommendations(credentials)
        return object_response(history, "articles", articles)

    async def put_upload(self, request: Request, credentials: Credentials) -> Response:
        """An image under a name."""
        name, wid = _name(request.path_params["name"]), _write_id(request)
        content_type = request.headers.get("content-type", "")
        if not content_type.startswith("image/"):
            raise HTTPException(415, "only images can be uploaded")
        blob = Blob(await read_body(request, UPLOAD_LIMIT_BYTES), content_type, wid)
        return write_response(await self._shop.put_upload(credentials, name, blob))

    async def get_upload(self, request: Request, credentials: Credentials) -> Response:
        """The image, as it was stored."""
        record, blob = await self._shop.get_upload(credentials, _name(request.path_params["name"]))
        if blob is None:
            return absent_response("never uploaded", record)
        headers = {"x-ver": str(record.ver), "x-write-id": blob.wid}
        return Response(blob.body, headers=headers, media_type=blob.content_type)

    async def _write(
        self, credentials: Credentials, name: str, operation: Operation, wid: str, data: bytes = b""
    ) -> Response:
        write = Write(credentials.user, name, operation, wid, data)
        return write_response(await self._shop.write(credentials, write))


def _session_response(session: Session) -> Response:
    fields = {"user": session.user, "session": session.id}
    return json_response({**fields, "ver": session.ver, "wid": session.wid})


def _write_id(request: Request) -> str:
    wid = request.headers.get("x-write-id", "")
    if not NAME.fullmatch(wid):
        raise HTTPException(
            400, "header X-Write-Id must be 1 to 100 characters of A-Z a-z 0-9 . _ -"
        )
    return wid


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise HTTPException(400, "a name must be 1 to 100 characters of A-Z a-z 0-9 . _ -")
    return text
