"""The ASGI application: builds the shop from settings, answers requests, tells its health.

Knows how the parts fit together and what each kind of error is for a client.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from reference_app.aws.clients import Aws
from reference_app.aws.object_storage import Blobs
from reference_app.aws.publisher import Topic
from reference_app.bugs.buggy_shop import plant
from reference_app.http.asgi import BadRequest, Receive, Request, Response, Scope, Send
from reference_app.http.routes import Handlers
from reference_app.model.model import NotSignedIn, ShopError, Uncertain
from reference_app.postgres.objects import Records
from reference_app.postgres.pool import Database
from reference_app.postgres.schema import prepare
from reference_app.rate_limited_log import Complaints
from reference_app.settings import Settings
from reference_app.shop.recommendations import Recommender
from reference_app.shop.service import Shop
from reference_app.stores import SessionStore
from reference_app.stores.decoupled import DecoupledStore
from reference_app.stores.memory import MemoryStore
from reference_app.stores.valkey import ValkeyStore
from reference_app.valkey.pool import Link

logger = logging.getLogger(__name__)
CACHE_PATIENCE_S = 0.25
"""A look-aside cache that takes longer than this is not worth asking."""

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A small shop</title>
<h1>A small shop and reader</h1><p>It keeps user state: sign-in, preferences, a draft, a cart, a
reading history, uploads and orders. Session store: <b>{store}</b>, instance <b>{instance}</b>.
<pre>POST /sign-in   {{"user": "ada"}}      PUT  /preferences {{"value": …}}
POST /cart/items {{"sku", "quantity"}}  POST /history     {{"article"}}
POST /orders    {{"items": […]}}       PUT  /uploads/name  an image
GET  each of them, /session, /recommendations, /health?deep=1</pre></html>"""


class Application:
    """An ASGI application for one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._aws = Aws(settings)
        self._database = _database(settings)
        self._store = self._new_store()
        self._blobs = Blobs(self._aws, settings.bucket) if settings.bucket else None
        self._recommender = Recommender(self._link(CACHE_PATIENCE_S))
        records = Records(self._database) if self._database else None
        shop = Shop(self._store, records, self._blobs, self._recommender)
        self._shop = plant(shop, settings.bugs)
        self._router = Handlers(self._shop).router()
        self._router.add("GET", "/health", self._health)
        self._router.add("GET", "/", self._page)
        self._complaints = Complaints()
        self._state = "starting"
        self._starting: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        response = await self.answer(Request(scope, receive))
        await response.send(send)

    async def answer(self, request: Request) -> Response:
        """The response to one request; every error becomes one that is true."""
        try:
            if self._state != "ready" and request.path not in ("/health", "/"):
                return Response.json(503, error=f"{self._state}, not ready", executed=False)
            return await self._router.find(request)(request)
        except BadRequest as error:
            return Response.json(error.status, error=str(error), executed=False)
        except NotSignedIn as error:
            return Response.json(401, error=str(error), executed=False)
        except ShopError as error:
            return self._failed(request, error)
        except Exception as error:
            logger.exception("%s %s failed", request.method, request.path)
            return self._failed(request, Uncertain(f"internal error ({type(error).__name__})"))

    async def start(self) -> None:
        """Connect everything, in the order in which the parts need each other."""
        if self._database:
            await self._database.start(prepare)
        await asyncio.gather(self._store.start(), *([self._blobs.start()] if self._blobs else []))
        self._state = "ready"

    async def stop(self) -> None:
        """Close everything."""
        self._state = "stopping"
        if self._starting:
            self._starting.cancel()
            with suppress(asyncio.CancelledError):
                await self._starting
        await self._store.stop()
        await self._recommender.stop()
        if self._database:
            await self._database.stop()
        await self._aws.stop()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._starting = asyncio.create_task(self.start())
        self._starting.add_done_callback(_log_failure)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _health(self, request: Request) -> Response:
        fields: dict[str, object] = {"instance": self._settings.instance_id}
        if self._state != "ready":
            return Response.json(503, status=self._state, **fields)
        if b"deep=1" in request.query:
            fields["dependencies"] = await self._shop.health()
        return Response.json(200, status="ok", zone=self._settings.zone, **fields)

    async def _page(self, request: Request) -> Response:
        settings = self._settings
        text = PAGE.format(store=settings.session_store, instance=settings.instance_id)
        return Response(200, text.encode(), [(b"content-type", b"text/html; charset=utf-8")])

    def _failed(self, request: Request, error: ShopError) -> Response:
        """500 and "unknown" for a write that may have happened; else 503, and nothing changed."""
        self._complaints.warn(type(error).__name__, f"{request.method} {request.path}: {error}")
        if isinstance(error, Uncertain) and request.method != "GET":
            return Response.json(500, error=str(error), executed="unknown")
        return Response.json(503, error=str(error), executed=False)

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
