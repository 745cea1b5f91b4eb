"""Asks ElastiCache's configuration endpoint which nodes there are. Knows no key and no cache.

The answer to `config get cluster`, after its first line: the version of the list, and on the next
line `name|address|port` for each node
(docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoDiscovery.AddingToYourClientLibrary.html).
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple


class NodeAddress(NamedTuple):
    """A node: the name, which its successor inherits, and where it is now."""

    name: str
    host: str
    port: int


async def discover(host: str, port: int, timeout_s: float) -> list[NodeAddress]:
    """Every node of the cluster, by name.

    Raises:
        OSError: the endpoint does not answer (TimeoutError included), or names no node.
    """
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(b"config get cluster\r\n")
            answer = await reader.readuntil(b"END\r\n")
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("the connection was closed") from error
        finally:
            writer.close()
    return parse(answer)


def parse(answer: bytes) -> list[NodeAddress]:
    """The nodes that an answer names, by name.

    Raises:
        ConnectionError: it names none.
    """
    lines = answer.decode(errors="replace").split("\n")
    try:
        rows = [each.strip().split("|") for each in lines[2].split()]
        return sorted(NodeAddress(name, host, int(port)) for name, host, port in rows)
    except (IndexError, ValueError) as error:
        raise ConnectionError(f"it is no list of nodes: {answer[:80]!r}") from error
