"""The worker process: `python -m reference_app.worker`. Applies the writes that wait in queues.

It may start before its services, and keeps trying to reach them. It exits with 0 after SIGTERM,
with 2 for wrong settings and with 1 when a part fails.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    # Imports leave no garbage: without collections they take a tenth less processor time.
    gc.disable()

import asyncio
import logging
import math
import os
import signal
import sys
from contextlib import suppress

import uvloop

from reference_app.aws.clients import FAILED, AwsClients, is_fifo
from reference_app.aws.queue_reader import SqsReader
from reference_app.environment import SettingsError
from reference_app.model.wait_limit import WaitLimit
from reference_app.outages import RateLimitedLog, describe
from reference_app.postgres.objects import ObjectTable
from reference_app.postgres.pool import PostgresPool
from reference_app.postgres.schema import prepare
from reference_app.worker.applier import WriteApplier
from reference_app.worker.health import serve_health
from reference_app.worker.settings import WorkerSettings

logger = logging.getLogger(__name__)
POLLS_PER_QUEUE = 2
"""Long polls per queue: one waits while another one's messages are handed over."""
RETRY_RECEIVE_S = 0.2


def main() -> int:
    """Work until SIGTERM. Exit code 0, 1 when a part failed, 2 for wrong settings."""
    gc.freeze()  # what was imported stays: no later collection need look at it
    gc.enable()
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        settings = WorkerSettings.read(os.environ)
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
    """One worker: long polls of each queue, and one applier for all of them."""

    def __init__(self, settings: WorkerSettings) -> None:
        process = settings.process
        timeouts_s = (process.connect_timeout_s, process.command_timeout_s)
        self._settings = settings
        self._aws = AwsClients(process.aws, *timeouts_s)
        self._database = PostgresPool(process.database_url, process.database_pool, *timeouts_s)
        self._state = "starting"

    async def run(self) -> None:
        """Start, work until SIGTERM or SIGINT, stop. Raises what a part fails with."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        stopping = asyncio.create_task(stop.wait())
        process, health = self._settings.process, None
        if process.port is not None:
            health = await serve_health(
                process.host, process.port, process.instance_id, lambda: self._state
            )
        working = asyncio.create_task(self._work())
        await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
        self._state = "stopping"
        stopping.cancel()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        if health:
            health.close()
        await self._database.stop()
        await self._aws.stop()

    async def _work(self) -> None:
        await self._database.start(prepare)
        sqs = await self._aws.client("sqs")
        visibility_s = self._settings.visibility_timeout_s
        readers = [SqsReader(sqs, url, visibility_s) for url in self._settings.queue_urls]
        await asyncio.gather(*(reader.start() for reader in readers))
        # A FIFO queue loses nothing between two messages of a group: no wait is too long.
        fifo = any(map(is_fifo, self._settings.queue_urls))
        wait_limit = WaitLimit(math.inf if fifo else visibility_s)
        applier = WriteApplier(ObjectTable(self._database), wait_limit)
        warnings = RateLimitedLog()
        self._state = "ready"
        applying = asyncio.create_task(applier.run())
        receiving = [
            asyncio.create_task(_receive(reader, applier, warnings))
            for reader in readers * POLLS_PER_QUEUE
        ]
        try:
            await asyncio.gather(asyncio.shield(applying), *receiving)
        finally:
            for task in receiving:
                task.cancel()
            applier.stop()
            await applying


async def _receive(reader: SqsReader, applier: WriteApplier, warnings: RateLimitedLog) -> None:
    while True:
        await applier.wait_for_capacity()
        try:
            deliveries = await reader.receive()
        except FAILED as error:
            warnings.warn("queue", f"the queue does not answer ({describe(error)})")
            await asyncio.sleep(RETRY_RECEIVE_S)
            continue
        if deliveries:
            applier.accept(deliveries)


if __name__ == "__main__":
    sys.exit(main())
