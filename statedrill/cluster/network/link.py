"""One breakable way through the network: listens on an address and forwards to another one.

A link can lose what goes in one direction or in both (a black hole: bytes are read and thrown
away), refuse connections, delay with jitter, and reset a connection after so many bytes. It never
reorders, forwards a half-closed connection as such, and holds a bounded number of bytes. Runs in
the hop's event loop (see `hop`); knows no zone and no service.

What it costs while it does nothing is measured by `make bench ONLY=hop`: `hop_added_us` for one
exchange at a time, `hop_requests_per_s` with 50 connections (beside `hop_direct_requests_per_s`),
`hop_cpu_per_request_us`, and `hop_idle_cpu_pct` with 50 silent connections. A timer of the loop
has a resolution of one millisecond, and so have delays.
"""

from __future__ import annotations

import asyncio
import random

from statedrill.cluster.network.connection import Connection, DirectionName, Rule

Address = tuple[str, int]
_BACKLOG = 512


class Link:
    """Forwards connections from `listen` to `target`.

    Setting a rule or a delay holds for open connections too, from the next byte on.
    """

    def __init__(self, name: str, listen: Address, target: Address) -> None:
        self.name, self.listen, self.target = name, listen, target
        self.rules: dict[DirectionName, Rule] = {"up": Rule(), "down": Rule()}
        self.delay_s = self.jitter_s = 0.0
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; nothing to do when it does already.

        Raises:
            OSError: the address is in use.
        """
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._accept, *self.listen, backlog=_BACKLOG)

    def delay(self, delay_s: float, jitter_s: float = 0.0) -> None:
        """Hold everything for `delay_s`, and for a random time up to `jitter_s` more."""
        self.delay_s, self.jitter_s = delay_s, jitter_s

    def cut(self, *directions: DirectionName) -> None:
        """Lose everything that goes in these directions, and whatever new connections send.

        A new connection is accepted, because the kernel does that before anyone can prevent it,
        and stays silent.
        """
        for name in directions:
            self.rules[name].cut = True

    async def refuse(self) -> None:
        """Reset every connection and refuse new ones."""
        server, self._server = self._server, None
        if server:
            server.close()
        self.reset()

    def limit(self, direction: DirectionName, size: int) -> None:
        """Reset each connection when `size` more bytes have gone in a direction."""
        self.rules[direction].limit = size
        for connection in self.connections:
            connection.directions[direction].allowed = size

    def reset(self) -> None:
        """Reset every connection and drop what is held: the wire itself is gone."""
        for connection in list(self.connections):
            connection.reset()

    async def restore(self) -> None:
        """Forward everything again, at once.

        Connections that lost bytes are reset, since their streams have holes.
        """
        self.delay(0.0)
        for name, rule in self.rules.items():
            rule.cut, rule.limit = False, None
            for connection in self.connections:
                connection.directions[name].allowed = None
        for connection in list(self.connections):
            if connection.has_lost_bytes:
                connection.reset()
        await self.open()

    def _accept(self) -> asyncio.Protocol:
        connection = Connection(self.rules, self._hold_s, self.target, self.connections)
        connection.muted = self.is_cut
        return connection.client

    def _hold_s(self) -> float:
        jitter_s = random.random() * self.jitter_s if self.jitter_s else 0.0
        return self.delay_s + jitter_s

    @property
    def is_cut(self) -> bool:
        """Whether bytes are lost in any direction."""
        return any(rule.cut for rule in self.rules.values())

    def describe(self) -> dict[str, object]:
        """Its state as JSON: connections, bytes that passed and that were lost per direction."""
        return {
            "listening": self._server is not None,
            "connections": len(self.connections),
            "delay_s": self.delay_s,
            **{f"{name}_cut": rule.cut for name, rule in self.rules.items()},
            **{f"{name}_bytes": rule.passed for name, rule in self.rules.items()},
            **{f"{name}_lost_bytes": rule.lost for name, rule in self.rules.items()},
        }
