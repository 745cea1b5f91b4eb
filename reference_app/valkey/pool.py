"""A small pool of connections to one Valkey (or Redis) endpoint that survives its failover.

Knows the protocol through `redis.asyncio.Connection`; knows no keys. After any error all idle
connections are dropped, so a connection that a failover left behind fails at most one request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import (
    BusyLoadingError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from reference_app.model.model import OutcomeUnknown, Unavailable
from reference_app.outages import describe

Argument = str | bytes | int
Command = tuple[Argument, ...]

REFUSED = (BusyLoadingError, MasterDownError, OutOfMemoryError, ReadOnlyError)
"""Replies of a server that did not execute the command: a replica, a loading or a full one."""
REFUSED_WORDS = ("NOREPLICAS", "MISCONF", "CLUSTERDOWN")


class ValkeyPool:
    """Commands in, replies out; at most `size` connections, further calls wait."""

    def __init__(
        self, url: str, connect_timeout_s: float, command_timeout_s: float, size: int = 32
    ) -> None:
        connect_timeout_s = min(connect_timeout_s, command_timeout_s)
        options = parse_url(url)
        # rediss:// names a connection class of its own, which speaks TLS
        self._connection_class: type[AbstractConnection] = options.pop(
            "connection_class", Connection
        )
        self._arguments: dict[str, Any] = {
            **options,
            "socket_connect_timeout": connect_timeout_s,
            "socket_timeout": None,  # one deadline around the exchange is cheaper than many inside
            "protocol": 2,
        }
        self._connect_timeout_s = connect_timeout_s
        self._command_timeout_s = command_timeout_s
        self._idle: deque[AbstractConnection] = deque()
        self._free = asyncio.Semaphore(size)

    async def call(self, *commands: Command) -> list[Any]:
        """The replies to `commands`, sent together on one connection.

        Sends them a second time, on a new connection, when the first one breaks: a failover
        behind a fixed address looks like that. So only commands that may be executed twice
        belong here; writes are scripts that are idempotent by write id. Raises Unavailable if
        nothing was executed, OutcomeUnknown if something may have been, and the ResponseError of
        a command that failed.
        """
        try:
            return await self._exchange(commands)
        except Unavailable:
            return await self._exchange(commands)
        except OutcomeUnknown as first:
            try:
                return await self._exchange(commands)
            except Unavailable:
                raise first from None

    async def get_cached(self, user: str, key: str) -> bytes | None:
        """What a look-aside cache holds, if it still does. Raises as `call`."""
        found = (await self.call(("GET", key)))[0]
        return found if isinstance(found, bytes) else None

    async def put_cached(self, user: str, key: str, value: bytes, life_s: int) -> None:
        """Put something into a look-aside cache. Raises as `call`."""
        await self.call(("SET", key, value, "EX", life_s))

    async def stop(self) -> None:
        """Close every idle connection."""
        while self._idle:
            await self._idle.pop().disconnect(nowait=True)

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        async with self._free:
            connection = await self._connected()
            try:
                async with asyncio.timeout(self._command_timeout_s):
                    replies = await _exchanged(connection, commands)
            except (RedisError, OSError, TimeoutError) as error:
                await connection.disconnect(nowait=True)
                await self.stop()
                raise OutcomeUnknown(
                    f"the connection to the cache broke ({describe(error)})"
                ) from error
            except BaseException:  # cancelled: a reply may still arrive on this connection
                await connection.disconnect(nowait=True)
                raise
            refused = next((reply for reply in replies if _is_refusal(reply)), None)
            if refused is not None:  # the endpoint may lead elsewhere by now: reconnect
                await connection.disconnect(nowait=True)
                await self.stop()
                raise Unavailable(f"the cache refuses ({describe(refused)})")
            self._idle.append(connection)
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return replies

    async def _connected(self) -> AbstractConnection:
        if self._idle:
            return self._idle.pop()
        connection = self._connection_class(**self._arguments)
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await connection.connect()  # type: ignore[no-untyped-call]
        except (RedisError, OSError, TimeoutError) as error:
            await connection.disconnect(nowait=True)
            raise Unavailable(f"the cache does not answer ({describe(error)})") from error
        return connection


async def _exchanged(connection: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    return [await _reply(connection) for _ in commands]


async def _reply(connection: AbstractConnection) -> Any:
    """One reply; an error reply is a value, so that the replies after it are read as well."""
    try:
        return await connection.read_response(disable_decoding=True)
    except (ResponseError, BusyLoadingError) as error:
        return error


def _is_refusal(reply: object) -> bool:
    return isinstance(reply, REFUSED) or (
        isinstance(reply, ResponseError) and str(reply).startswith(REFUSED_WORDS)
    )
