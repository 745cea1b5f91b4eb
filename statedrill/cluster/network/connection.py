"""One connection through a link: its two ends, and what is on its way between them.

Bytes of one direction stay in order whatever their delays; a half-closed connection is forwarded as
such; what arrives before the service is connected is kept; a bounded number of bytes is held.
Knows the rules of its link and no other connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, cast

from typing_extensions import override

DirectionName = Literal["up", "down"]
"""`up` is from the client to the service, `down` is back."""

HELD_BYTES = 1 << 20
"""How much one direction of one connection may hold; then its source is not read any more."""

_RESUME_BYTES = HELD_BYTES // 2
_TIMER_S = 0.0005  # a timer may ring this much early: what is due then goes at once
_LINGER_0 = struct.pack("ii", 1, 0)  # closing sends a reset and not an orderly end


class _Mark(Enum):
    """What may stand in a direction's queue beside bytes."""

    END = "end"  # the source sends nothing more, and may still read
    RESET = "reset"  # the connection is reset here


_Item = bytes | _Mark


@dataclass
class Rule:
    """What happens to the bytes of one direction of a link.

    `cut`: they are lost. `limit`: a connection is reset after so many bytes more. `passed` and
    `lost` count bytes since the link was opened.
    """

    cut: bool = False
    limit: int | None = None
    passed: int = 0
    lost: int = 0


class Connection:
    """A connection that a client opened; `client` is the protocol of that end.

    `hold_s` says how long the next bytes are held, in seconds. The connection is in `connections`
    from when it is accepted until it is closed or reset. A `muted` one never reaches the service.
    """

    def __init__(
        self,
        rules: Mapping[DirectionName, Rule],
        hold_s: Callable[[], float],
        target: tuple[str, int],
        connections: set[Connection],
    ) -> None:
        self.muted = self.has_lost_bytes = False
        self._target, self._connections = target, connections
        self.client, self._service = _End(self), _End(self)
        up = Direction(self, rules["up"], hold_s, self.client, self._service)
        down = Direction(self, rules["down"], hold_s, self._service, self.client)
        self.directions: dict[DirectionName, Direction] = {"up": up, "down": down}
        self.client.outgoing = self._service.incoming = up
        self.client.incoming = self._service.outgoing = down
        self._dialling: asyncio.Task[None] | None = None

    def connected(self, end: _End) -> None:
        """An end is connected: when it is the client's, the service is next."""
        if end is self.client:
            self._connections.add(self)
            if self.muted:
                self.has_lost_bytes = True
            else:
                self._dialling = asyncio.get_running_loop().create_task(self._dial())

    def ended(self) -> None:
        """A direction has delivered its end: both ends are closed when the other has, too."""
        if all(direction.ended for direction in self.directions.values()):
            self._connections.discard(self)
            for end in (self.client, self._service):
                if end.transport:
                    end.transport.close()

    def lost(self, end: _End) -> None:
        """An end was reset: the other one is, unless the news of that are lost, too."""
        if self not in self._connections:
            return  # closed or reset from here
        if end.outgoing.loses:
            self.has_lost_bytes = True
        else:
            self.reset()

    def reset(self) -> None:
        """Reset both ends, and drop what is held."""
        self._connections.discard(self)
        if self._dialling:
            self._dialling.cancel()
        for direction in self.directions.values():
            direction.drop()
        for end in (self.client, self._service):
            end.reset()

    async def _dial(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: self._service, *self._target)
        except OSError:
            self.reset()
        else:
            self.directions["up"].flush()


class _End(asyncio.Protocol):
    """One end of a connection: what it receives is outgoing, what is written to it incoming."""

    outgoing: Direction
    incoming: Direction

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.transport: asyncio.Transport | None = None

    def reset(self) -> None:
        """Close it so that the peer sees a reset."""
        if self.transport and not self.transport.is_closing():
            with contextlib.suppress(OSError):
                known = self.transport.get_extra_info("socket")
                known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
            self.transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connection.connected(self)

    @override
    def data_received(self, data: bytes) -> None:
        self.outgoing.feed(data)

    @override
    def eof_received(self) -> bool:
        self.outgoing.feed(_Mark.END)
        return True  # the other direction goes on

    @override
    def pause_writing(self) -> None:
        self.incoming.pause_source("writing")

    @override
    def resume_writing(self) -> None:
        self.incoming.resume_source("writing")

    @override
    def connection_lost(self, error: Exception | None) -> None:
        self._connection.lost(self)


class Direction:
    """The bytes on their way from one end to the other, in order, each with its due time.

    `allowed` is how many bytes may still come before the connection is reset, None for any number;
    `ended` whether the end of the stream was delivered.
    """

    def __init__(
        self,
        connection: Connection,
        rule: Rule,
        hold_s: Callable[[], float],
        source: _End,
        destination: _End,
    ) -> None:
        self.allowed, self.ended = rule.limit, False
        self._connection, self._rule, self._hold_s = connection, rule, hold_s
        self._source, self._destination = source, destination
        self._queue: deque[tuple[float, _Item]] = deque()
        self._held = 0
        self._timer: asyncio.TimerHandle | None = None
        self._paused_for: set[str] = set()

    @property
    def loses(self) -> bool:
        """Whether what is sent now is lost."""
        return self._rule.cut or self._connection.muted

    def feed(self, item: _Item) -> None:
        """Take what the source sent."""
        if self.loses:
            self._lose(item)
        elif self.allowed is None or isinstance(item, _Mark):
            self._hold(item)
        else:
            head, self.allowed = item[: self.allowed], max(0, self.allowed - len(item))
            self._hold(head)
            if not self.allowed:
                self._hold(_Mark.RESET)

    def flush(self) -> None:
        """Deliver what is due, and come again for the rest."""
        self._timer = None
        loop = asyncio.get_running_loop()
        due_s = loop.time() + _TIMER_S
        while self._queue and self._queue[0][0] <= due_s:
            _, item = self._queue.popleft()
            self._held -= _size(item)
            self._deliver(item)
        if self._queue:
            self._timer = loop.call_at(self._queue[0][0], self.flush)
        if self._held <= _RESUME_BYTES:
            self.resume_source("held")

    def drop(self) -> None:
        """Forget what is held."""
        self._queue.clear()
        self._held = 0
        if self._timer:
            self._timer.cancel()

    def pause_source(self, why: str) -> None:
        """Read nothing more from the source until there is no reason left for that."""
        if not self._paused_for and self._source.transport:
            self._source.transport.pause_reading()
        self._paused_for.add(why)

    def resume_source(self, why: str) -> None:
        """One reason to pause is gone."""
        if why in self._paused_for:
            self._paused_for.remove(why)
            if not self._paused_for and self._source.transport:
                self._source.transport.resume_reading()

    def _hold(self, item: _Item) -> None:
        hold_s, connected = self._hold_s(), self._destination.transport is not None
        if connected and not self._queue and not hold_s:
            self._deliver(item)
            return
        loop = asyncio.get_running_loop()
        due_s = loop.time() + hold_s
        if self._queue:  # what is held for a shorter time overtakes nothing
            due_s = max(due_s, self._queue[-1][0])
        self._queue.append((due_s, item))
        self._held += _size(item)
        if self._held >= HELD_BYTES:
            self.pause_source("held")
        if connected and self._timer is None:
            self._timer = loop.call_at(due_s, self.flush)

    def _deliver(self, item: _Item) -> None:
        transport = self._destination.transport
        if self.loses:
            self._lose(item)
        elif item is _Mark.RESET:
            self._connection.reset()
        elif transport is None or transport.is_closing():
            return
        elif item is _Mark.END:
            self.ended = True
            with contextlib.suppress(OSError):  # the destination has just gone
                transport.write_eof()
            self._connection.ended()
        else:
            self._rule.passed += _size(item)
            transport.write(item)

    def _lose(self, item: _Item) -> None:
        self._connection.has_lost_bytes = True
        self._rule.lost += _size(item)


def _size(item: _Item) -> int:
    return 0 if isinstance(item, _Mark) else len(item)
