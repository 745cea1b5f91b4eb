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

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_app.aws.clients import Aws
from reference_app.aws.object_storage import Blobs
from reference_app.aws.publisher import Topic
from reference_app.bugs.buggy_shop import plant
from reference_app.postgres.objects import Records
from reference_app.postgres.pool import Database
from reference_app.postgres.schema import prepare
from reference_app.settings import Settings
from reference_app.shop.recommendations import Recommender
from reference_app.shop.service import Shop
from reference_app.stores import SessionStore
from reference_app.stores.decoupled import DecoupledStore
from reference_app.stores.memory import MemoryStore
from reference_app.stores.valkey import ValkeyStore
from reference_app.valkey.pool import Link
from reference_app.web.responses import ErrorResponses, json_response
from reference_app.web.routes import ShopRoutes

logger = logging.getLogger(__name__)
CACHE_PATIENCE_S = 0.25
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

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._aws = Aws(settings)
        self._database = _database(settings)
        self._store = self._new_store()
        self._blobs = Blobs(self._aws, settings.bucket) if settings.bucket else None
        self._recommender = Recommender(self._link(CACHE_PATIENCE_S))
        records = Records(self._database) if self._database else None
        shop = Shop(self._store, records, self._blobs, self._recommender)
        self.shop = plant(shop, settings.bugs)
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
        """Start beside the server, which answers 503 until then; stop after it."""
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
        await asyncio.gather(self._store.start(), *([self._blobs.start()] if self._blobs else []))
        self.state = "ready"

    async def stop(self) -> None:
        """Close everything."""
        await self._store.stop()
        await self._recommender.stop()
        if self._database:
            await self._database.stop()
        await self._aws.stop()

    async def health(self, request: Request) -> Response:
        """200 when ready, else 503; with `?deep=1` also what each dependency says."""
        fields: dict[str, object] = {"instance": self._settings.instance_id}
        if self.state != "ready":
            return json_response({"status": self.state, **fields}, 503)
        if request.query_params.get("deep") == "1":
            fields["dependencies"] = await self.shop.health()
        return json_response({"status": "ok", "zone": self._settings.zone, **fields})

    async def page(self, request: Request) -> Response:
        """What this is, for a person who comes with a browser."""
        settings = self._settings
        text = PAGE.format(store=settings.session_store, instance=settings.instance_id)
        return HTMLResponse(text)

    def _new_store(self) -> SessionStore:
        settings = self._settings
        if settings.session_store == "decoupled":
            assert self._database is not None  # settings demand it
            topic = Topic(self._aws, settings.topic_arn)
            return DecoupledStore(self._database, topic, settings.session_ttl_s)
        if settings.session_store == "valkey":
            link = self._link(settings.command_timeout_s)
            assert link is not None  # settings demand it
            return ValkeyStore(
                link,
                settings.session_ttl_s,
                settings.cache_wait_replicas,
                settings.command_timeout_s / 2,
            )
        return MemoryStore(settings.session_ttl_s)

    def _link(self, command_timeout_s: float) -> Link | None:
        settings = self._settings
        if not settings.cache_url:
            return None
        connect_timeout_s = min(settings.connect_timeout_s, command_timeout_s)
        return Link(settings.cache_url, connect_timeout_s, command_timeout_s)


class RefuseUntilReady:
    """Middleware: 503 for the shop's paths until all services were reached."""

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


def _database(settings: Settings) -> Database | None:
    if not settings.database_url:
        return None
    return Database(
        settings.database_url,
        settings.database_pool,
        settings.connect_timeout_s,
        settings.command_timeout_s,
    )


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("starting failed: %r", task.exception())
