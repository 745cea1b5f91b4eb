"""Connections to the nodes of a Memcached cluster, and which of them a user's keys are on.

CACHE_URL=memcached://host:11211 names the configuration endpoint. Its own options:

    CACHE_DISCOVERY_S      60: how old the list of nodes may be
    CACHE_HASHING          rendezvous | modulo, see hashing.py
    CACHE_EJECT_S          empty: a node that fails is asked again and again, and its users wait for
                           it. A number of seconds: a node that failed twice in a row is left out
                           for so long, as pymemcache and others do. That serves its users at once,
                           from nothing, and has a node that only hung come back with old values.

Knows memcached through emcache; knows nothing of what the values are. Every key belongs to a user
and lies on the user's node, so emcache, which would choose by key, has one client for each node.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlsplit

from reference_app.environment import Environment
from reference_app.memcached.discovery import NodeAddress, discover
from reference_app.memcached.hashing import HASHING
from reference_app.model.model import OutcomeUnknown, Unavailable
from reference_app.outages import describe

if TYPE_CHECKING:
    import emcache

T = TypeVar("T")
SCHEME = "memcached"
CONNECTIONS = 16
FAILURES_BEFORE_EJECTION = 2
RECONNECT_S = 1.0
CLOSE_S = 0.5
LONGEST_LIFE_S = 30 * 86_400
"""A greater number would be a moment in Unix time."""

# It warns of every connection that breaks; the pool says so once, with what it means.
logging.getLogger("emcache").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class MemcachedSettings:
    """Where the configuration endpoint is, and how its nodes are used. `eject_s` 0: never."""

    host: str
    port: int
    discovery_s: float
    hashing: str
    eject_s: float

    @classmethod
    def read(cls, environment: Environment) -> MemcachedSettings:
        """What is wrong is added to the environment's problems."""
        url = urlsplit(environment.url("CACHE_URL", SCHEME) or "")
        return cls(
            host=url.hostname or "",
            port=url.port or 11211,
            discovery_s=environment.seconds("CACHE_DISCOVERY_S", 60),
            hashing=environment.one_of("CACHE_HASHING", HASHING, "rendezvous"),
            eject_s=environment.seconds("CACHE_EJECT_S", 0),
        )


@dataclass(slots=True)
class _Node:
    """A node: its client, since when it has that, and what happened to the last commands."""

    address: NodeAddress
    client: emcache.Client
    since_s: float
    failures: int = 0
    out_until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and the token that `replace` demands."""

    value: bytes
    token: int


class MemcachedPool:
    """Commands to the node of a user; each takes `timeout_s` at most."""

    def __init__(
        self,
        settings: MemcachedSettings,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._timeout_s, self._clock = settings, timeout_s, clock
        self._choose = HASHING[settings.hashing]
        self._nodes: dict[str, _Node] = {}
        self._due_s = 0.0
        self._discovering: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Learn which nodes there are. Raises Unavailable."""
        if not self._nodes:
            await asyncio.shield(self._discovery())
        if not self._nodes:
            raise Unavailable("the cache does not say which nodes it has")

    async def stop(self) -> None:
        """Close every connection."""
        if self._discovering:
            await self._discovering  # which may be making connections; it has a deadline
        nodes, self._nodes = self._nodes, {}
        for node in nodes.values():
            self._close(node.client)
        await asyncio.gather(*self._closing)

    async def fetch(self, user: str, keys: Sequence[str], life_s: float) -> Mapping[str, Found]:
        """Those of the user's `keys` that are there, which live for `life_s` from now on.

        Raises Unavailable.
        """
        names = [key.encode() for key in keys]
        try:
            found = await self._call(user, lambda client: client.gats_many(_life(life_s), names))
        except OutcomeUnknown as error:  # nothing is changed by looking
            raise Unavailable(error.args[0]) from error
        items = cast("dict[bytes, emcache.Item]", found)  # it is annotated as one item
        return {key.decode(): Found(item.value, item.cas or 0) for key, item in items.items()}

    async def replace(
        self, user: str, key: str, value: bytes, before: Found | None, life_s: float
    ) -> bool:
        """Put `value` where `before` was found (None: nothing); False when it is not so any more.

        Raises Unavailable or OutcomeUnknown.
        """
        import emcache  # noqa: PLC0415

        name, life = key.encode(), _life(life_s)

        async def put(client: emcache.Client) -> bool:
            try:
                if before is None:
                    await client.add(name, value, exptime=life)
                else:
                    await client.cas(name, value, before.token, exptime=life)
            except emcache.NotStoredStorageCommandError:
                return False
            except emcache.StorageCommandError as error:
                if "NOT_FOUND" in str(error):  # it was evicted, or it expired
                    return False
                raise
            return True

        return await self._call(user, put)

    async def set(self, user: str, key: str, value: bytes, life_s: float) -> None:
        """Put `value`, whatever is there. Raises Unavailable or OutcomeUnknown."""
        await self._call(
            user, lambda client: client.set(key.encode(), value, exptime=_life(life_s))
        )

    async def delete(self, user: str, key: str) -> None:
        """Remove what is there. Raises Unavailable or OutcomeUnknown."""
        import emcache  # noqa: PLC0415

        async def remove(client: emcache.Client) -> None:
            with suppress(emcache.NotFoundCommandError):
                await client.delete(key.encode())

        await self._call(user, remove)

    async def get_cached(self, user: str, key: str) -> bytes | None:
        """What a look-aside cache holds, if it still does. Raises Unavailable."""
        try:
            found = await self._call(user, lambda client: client.get(key.encode()))
        except OutcomeUnknown as error:
            raise Unavailable(error.args[0]) from error
        return found.value if found else None

    async def put_cached(self, user: str, key: str, value: bytes, life_s: int) -> None:
        """Put something into a look-aside cache. Raises Unavailable or OutcomeUnknown."""
        await self.set(user, key, value, life_s)

    async def health(self) -> str:
        """`ok`, or which nodes failed last."""
        try:
            await self.start()
        except Unavailable as error:
            return str(error)
        failing = [name for name, node in self._nodes.items() if node.failures]
        return f"{', '.join(failing)} failed last" if failing else "ok"

    async def _call(self, user: str, command: Callable[[emcache.Client], Awaitable[T]]) -> T:
        import emcache  # noqa: PLC0415

        await self.start()
        if self._clock() >= self._due_s:
            self._discovery()
        node = self._node_of(user)
        try:
            reply = await command(node.client)
        except emcache.CommandError as error:
            raise Unavailable(f"the cache refuses ({describe(error)})") from error
        except (OSError, RuntimeError) as error:
            await self._failed(node)
            raise OutcomeUnknown(
                f"{node.address.name} of the cache does not answer ({describe(error)})"
            ) from error
        node.failures = 0
        return reply

    def _node_of(self, user: str) -> _Node:
        now_s = self._clock()
        names = [name for name, node in self._nodes.items() if node.out_until_s <= now_s]
        return self._nodes[self._choose(user, names or list(self._nodes))]

    async def _failed(self, node: _Node) -> None:
        """Leave it out where that is wanted, and connect anew: emcache itself waits for that,
        longer each time.
        """
        now_s, eject_s = self._clock(), self._settings.eject_s
        node.failures += 1
        if eject_s and node.failures >= FAILURES_BEFORE_EJECTION:
            node.out_until_s = now_s + eject_s
        in_use = self._nodes.get(node.address.name) is node
        if in_use and now_s - node.since_s >= RECONNECT_S:
            node.since_s, failed = now_s, node.client
            node.client = await self._client(node.address)
            self._close(failed)

    def _discovery(self) -> asyncio.Task[None]:
        """The one that is under way, or a new one."""
        if self._discovering is None or self._discovering.done():
            self._due_s = self._clock() + self._settings.discovery_s
            self._discovering = asyncio.create_task(self._discover())
        return self._discovering

    async def _discover(self) -> None:
        """Replace the nodes whose address is another one; without an answer all stay."""
        try:
            found = await discover(self._settings.host, self._settings.port, self._timeout_s)
        except OSError:
            return
        known = {node.address for node in self._nodes.values()}
        nodes = {
            each.name: self._nodes[each.name]
            if each in known
            else _Node(each, await self._client(each), self._clock())
            for each in found
        }
        gone = [node for name, node in self._nodes.items() if nodes.get(name) is not node]
        self._nodes = nodes
        for node in gone:
            self._close(node.client)

    def _close(self, client: emcache.Client) -> None:
        """Close its connections; nobody waits for that, but `stop`.

        emcache may miss that its attempt to connect is cancelled, and would wait for ever.
        """

        async def close() -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(client.close(), CLOSE_S)

        closing = asyncio.create_task(close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _client(self, address: NodeAddress) -> emcache.Client:
        """A client of one node; its connections are made when they are needed."""
        import emcache  # noqa: PLC0415

        return await emcache.create_client(
            [emcache.MemcachedHostAddress(address.host, address.port)],
            timeout=self._timeout_s,
            connection_timeout=self._timeout_s,
            max_connections=CONNECTIONS,
            min_connections=0,
        )


def _life(seconds: float) -> int:
    return min(int(seconds), LONGEST_LIFE_S)
