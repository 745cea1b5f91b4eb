"""The web application: puts the shop together from settings, and serves it with Starlette.

Knows how the parts fit together; knows no part's inside. Nothing of HTTP is written by hand: by
`make bench ONLY=app` Starlette's layers take about 25 of the 70 µs of processor time that a
request costs in memory, and a drill sends an instance some hundred requests a second.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_app.aws.clients import AwsClients
from reference_app.aws.object_storage import ObjectStorage
from reference_app.bugs import apply_bugs
from reference_app.memcached.pool import MemcachedPool
from reference_app.postgres.objects import ObjectTable
from reference_app.postgres.pool import PostgresPool
from reference_app.postgres.schema import prepare
from reference_app.shop.recommendations import LookAsideCache, Recommender
from reference_app.shop.service import ShopService
from reference_app.stores import STORES
from reference_app.stores.base import Resources
from reference_app.valkey.pool import ValkeyPool
from reference_app.web.responses import ErrorResponses, json_response
from reference_app.web.routes import ShopRoutes
from reference_app.web.settings import WebSettings

logger = logging.getLogger(__name__)
CACHE_TIMEOUT_S = 0.25
"""A look-aside cache that takes longer than this is not worth asking."""
ALWAYS_SERVED = ("/health", "/")

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A small shop</title>
<h1>A small shop and reader</h1><p>It keeps user state: sign-in, preferences, a draft, a cart, a
reading history, uploads and orders. Session store: <b>{store}</b>, instance <b>{instance}</b>.
<pre>POST /sign-in   {{"user": "ada"}}      PUT  /preferences {{"value": …}}
POST /cart/items {{"sku", "quantity"}}  POST /history     {{"article"}}
POST /orders    {{"items": […]}}       PUT  /uploads/name  an image
GET  each of them, /session, /recommendations, /health?deep=1</pre></html>"""


class Application:
    """One web process: the shop, what it is connected to, and `asgi`, which serves it."""

    def __init__(self, settings: WebSettings) -> None:
        process = settings.process
        timeouts_s = (process.connect_timeout_s, process.command_timeout_s)
        self._settings = settings
        self._aws = AwsClients(process.aws, *timeouts_s)
        self._database = (
            PostgresPool(process.database_url, process.database_pool, *timeouts_s)
            if process.database_url
            else None
        )
        self._storage = ObjectStorage(self._aws, settings.bucket) if settings.bucket else None
        resources = Resources(self._database, self._aws, *timeouts_s, self.give_up)
        self._store = STORES[settings.session_store].connect(settings.store, resources)
        self._recommender = Recommender(_look_aside_cache(settings))
        objects = ObjectTable(self._database) if self._database else None
        shop = ShopService(self._store, objects, self._storage, self._recommender)
        self.shop = apply_bugs(shop, settings.bugs)
        self.state = "starting"
        self.asgi = Starlette(
            routes=[
                *ShopRoutes(self.shop).routes(),
                Route("/health", self.health),
                Route("/", self.page),
            ],
            middleware=[Middleware(RefuseUntilReady, application=self)],
            exception_handlers=ErrorResponses().handlers(),
            lifespan=self.lifespan,
        )

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Connect while the server already listens, and answers 503; disconnect after it."""
        starting = asyncio.create_task(self.start())
        starting.add_done_callback(_log_failure)
        yield
        self.state = "stopping"
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        await self.stop()

    async def start(self) -> None:
        """Connect everything, in the order in which the parts need each other."""
        if self._database:
            await self._database.start(prepare)
        await asyncio.gather(
            self._store.start(), *([self._storage.start()] if self._storage else [])
        )
        self.state = "ready"

    def give_up(self, why: str) -> None:
        """Serve nothing any more, and be unhealthy, so that this instance is replaced."""
        if self.state == "ready":
            logger.error("this instance can serve no more: %s", why)
            self.state = "failed"

    async def stop(self) -> None:
        """Close everything."""
        await self.shop.stop()
        await self._store.stop()
        await self._recommender.stop()
        if self._database:
            await self._database.stop()
        await self._aws.stop()

    async def health(self, request: Request) -> Response:
        """200 when ready, else 503; with `?deep=1` also the state of each dependency.

        The header Date is the time of this instance's own clock; no other answer has it.
        """
        response = await self._health(request)
        response.headers["date"] = formatdate(usegmt=True)
        return response

    async def _health(self, request: Request) -> Response:
        process = self._settings.process
        fields: dict[str, object] = {"instance": process.instance_id}
        if self.state != "ready":
            return json_response({"status": self.state, **fields}, 503)
        if request.query_params.get("deep") == "1":
            fields["dependencies"] = await self.shop.health()
        return json_response({"status": "ok", "zone": process.zone, **fields})

    async def page(self, request: Request) -> Response:
        """What this is, for a person who comes with a browser."""
        settings = self._settings
        store, instance = settings.session_store, settings.process.instance_id
        return HTMLResponse(PAGE.format(store=store, instance=instance))


class RefuseUntilReady:
    """Middleware: 503 for the shop's paths until the application has reached its services."""

    def __init__(self, app: ASGIApp, application: Application) -> None:
        self._app = app
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the process."""
        state = self._application.state
        if state == "ready" or scope["type"] != "http" or scope["path"] in ALWAYS_SERVED:
            await self._app(scope, receive, send)
            return
        refusal = json_response({"error": f"{state}, not ready", "executed": False}, 503)
        await refusal(scope, receive, send)


def _look_aside_cache(settings: WebSettings) -> LookAsideCache | None:
    if settings.memcached:
        return MemcachedPool(settings.memcached, CACHE_TIMEOUT_S)
    if settings.cache_url:
        return ValkeyPool(settings.cache_url, settings.process.connect_timeout_s, CACHE_TIMEOUT_S)
    return None


def _log_failure(starting: asyncio.Task[None]) -> None:
    if not starting.cancelled() and starting.exception() is not None:
        logger.error("starting failed: %r", starting.exception())
