"""GET /health of a worker: for a process that speaks HTTP nowhere else, no web server.

Knows the state of the worker as a word; answers every request on a connection of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import orjson


async def serve_health(
    host: str, port: int, instance: str, state: Callable[[], str]
) -> asyncio.Server:
    """200 while `state` is "ready", else 503. Raises OSError when the address is taken."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            ready = state() == "ready"
            status = b"200 OK" if ready else b"503 Service Unavailable"
            if not head.startswith(b"GET /health"):
                status = b"404 Not Found"
            body = orjson.dumps({"status": "ok" if ready else state(), "instance": instance})
            writer.write(
                b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%s" % (status, len(body), body)
            )
            await writer.drain()
        writer.close()

    return await asyncio.start_server(respond, host, port)
