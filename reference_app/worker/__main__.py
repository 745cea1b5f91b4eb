"""The worker process: `python -m reference_app.worker`. Applies the writes that wait in queues.

Knows every part by name and no part's inside. It starts before its services if need be and keeps
trying; it ends with 0 after SIGTERM, with 2 for wrong settings and with 1 when a part fails.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress

import orjson
import uvloop

from reference_app.aws.clients import FAILED, Aws, brief
from reference_app.aws.queue_reader import Inbox
from reference_app.postgres.objects import Records
from reference_app.postgres.pool import Database
from reference_app.postgres.schema import prepare
from reference_app.rate_limited_log import Complaints
from reference_app.settings import Settings, SettingsError
from reference_app.worker.applier import Applier

logger = logging.getLogger(__name__)
RECEIVERS = 2
"""Long polls per queue: one waits while another one's messages are taken in."""
REST_AFTER_ERROR_S = 0.2


def main() -> int:
    """Work until SIGTERM. Exit code 0, 1 when a part failed, 2 for wrong settings."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        settings = Settings.of_worker(os.environ)
    except SettingsError as error:
        print(f"reference_app.worker: {error}", file=sys.stderr)
        return 2
    try:
        uvloop.run(Worker(settings).run())
    except OSError as error:
        print(f"reference_app.worker: cannot start: {error}", file=sys.stderr)
        return 1
    except Exception:
        logger.exception("the worker failed")
        return 1
    return 0


class Worker:
    """One worker: receivers for each queue, and one applier for all of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._aws = Aws(settings)
        self._database = Database(
            settings.database_url,
            settings.database_pool,
            settings.connect_timeout_s,
            settings.command_timeout_s,
        )
        self._state = "starting"

    async def run(self) -> None:
        """Start, work until SIGTERM or SIGINT, stop. Raises what a part fails with."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        stopping = asyncio.create_task(stop.wait())
        server = await self._serve_health()
        working = asyncio.create_task(self._work())
        await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
        self._state = "stopping"
        stopping.cancel()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        if server:
            server.close()
        await self._database.stop()
        await self._aws.stop()

    async def _work(self) -> None:
        await self._database.start(prepare)
        sqs = await self._aws.client("sqs")
        urls = [self._settings.queue_url, self._settings.orders_queue_url]
        inboxes = [Inbox(sqs, url) for url in urls if url]
        await asyncio.gather(*(inbox.start() for inbox in inboxes))
        applier = Applier(Records(self._database), max(one.visibility_s for one in inboxes))
        self._state = "ready"
        complaints = Complaints()
        applying = asyncio.create_task(applier.run())
        receiving = [
            asyncio.create_task(_receive(inbox, applier, complaints))
            for inbox in inboxes * RECEIVERS
        ]
        try:
            await asyncio.gather(asyncio.shield(applying), *receiving)
        finally:
            for task in receiving:
                task.cancel()
            applier.stop()
            await applying

    async def _serve_health(self) -> asyncio.Server | None:
        """GET /health on PORT, if it is set. Raises OSError when the address is taken."""
        if self._settings.port is None:
            return None
        return await asyncio.start_server(self._answer, self._settings.host, self._settings.port)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            ready = self._state == "ready"
            status = b"200 OK" if ready else b"503 Service Unavailable"
            if not head.startswith(b"GET /health"):
                status = b"404 Not Found"
            said = "ok" if ready else self._state
            body = orjson.dumps({"status": said, "instance": self._settings.instance_id})
            writer.write(
                b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%s" % (status, len(body), body)
            )
            await writer.drain()
        writer.close()


async def _receive(inbox: Inbox, applier: Applier, complaints: Complaints) -> None:
    while True:
        await applier.room()
        try:
            deliveries = await inbox.receive()
        except FAILED as error:
            complaints.warn("queue", f"the queue does not answer ({brief(error)})")
            await asyncio.sleep(REST_AFTER_ERROR_S)
            continue
        if deliveries:
            applier.take(deliveries)


if __name__ == "__main__":
    sys.exit(main())
