"""The hop: the process that all breakable links of one cluster go through.

`python -m statedrill.cluster.network.hop SOCKET` takes commands on a unix socket, one JSON object a
line, and answers each with one: `{"do": "delay", "link": "b/database", "delay_s": 0.02}`. Knows
links by name; knows no zone, no service and no cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

import uvloop

from statedrill.cluster.network.link import Link

_BOTH = ("up", "down")


class Hop:
    """The links of one cluster, by name."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    async def do(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command; its answer.

        Raises:
            KeyError, TypeError, ValueError: it is not understood.
            OSError: a link cannot listen on its address.
        """
        if command["do"] == "describe":
            return {name: link.describe() for name, link in self._links.items()}
        if command["do"] == "open":
            name, listen, target = command["link"], command["listen"], command["target"]
            link = Link(name, (listen[0], listen[1]), (target[0], target[1]))
            await link.open()
            self._links[name] = link
            return {}
        if command["do"] == "close":
            await self._links.pop(command["link"]).refuse()
            return {}
        await self._change(self._links[command["link"]], command)
        return {}

    async def _change(self, link: Link, command: dict[str, Any]) -> None:
        match command["do"]:
            case "delay":
                link.delay(command["delay_s"], command.get("jitter_s", 0.0))
            case "cut":
                link.cut(*command.get("directions", _BOTH))
            case "limit":
                link.limit(command["direction"], command["bytes"])
            case "refuse":
                await link.refuse()
            case "reset":
                link.reset()
            case "restore":
                await link.restore()
            case unknown:
                raise ValueError(f"there is no command '{unknown}'")


async def serve(path: str) -> None:
    """Take commands on the unix socket `path` until this process is ended."""
    hop = Hop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                try:
                    said: dict[str, object] = {"ok": await hop.do(json.loads(line))}
                except (KeyError, TypeError, ValueError, OSError) as error:
                    said = {"error": f"{type(error).__name__}: {error}"}
                writer.write(json.dumps(said).encode() + b"\n")
                await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
