"""Sessions and user state in Valkey, shared by all instances.

`SESSION_STORE=valkey` needs CACHE_URL, redis://host:6379/0 or rediss:// for TLS. Own option:
CACHE_WAIT_REPLICAS, 0: how many replicas must have a write before it is answered.

Knows keys and two scripts; knows nothing of connections (that is ValkeyPool). All keys of a user
share the hash tag {user}, so they live in one slot and one script may touch them. A write is one
script: server session, object and applied write id change together or not at all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

from reference_app.environment import Environment
from reference_app.model.model import (
    NEVER_WRITTEN,
    SESSION,
    Credentials,
    NotSignedIn,
    OutcomeUnknown,
    Receipt,
    Session,
    ShopError,
    Versioned,
    Write,
)
from reference_app.outages import retry_until_ready
from reference_app.stores.base import Resources, StoreKind, session_ttl_s
from reference_app.valkey.pool import Argument, Command, ValkeyPool


class LuaScript:
    """A script of this package, called by its hash and sent in full when the server lacks it."""

    def __init__(self, name: str) -> None:
        self.text = files(__package__).joinpath(f"{name}.lua").read_text()
        self._sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(
        self,
        pool: ValkeyPool,
        keys: tuple[str, ...],
        *arguments: Argument,
        wait: Command | None = None,
    ) -> list[Any]:
        """The reply of the script, and of a `wait` command sent after it."""
        rest = (len(keys), *keys, *arguments)
        after = (wait,) if wait else ()
        try:
            return await pool.call(("EVALSHA", self._sha, *rest), *after)
        except NoScriptError:  # a new or a flushed server; EVAL makes it keep the text
            return await pool.call(("EVAL", self.text, *rest), *after)


APPLY = LuaScript("valkey_apply")
READ = LuaScript("valkey_read")


class ValkeyStore:
    """The session store of a distributed deployment; `ttl_s` slides with use.

    With `wait_replicas` > 0 a write is answered only when so many replicas have it; if they
    have not within `wait_s`, it is applied but not known to be durable: OutcomeUnknown.
    """

    queues_writes = False

    def __init__(
        self, pool: ValkeyPool, ttl_s: float, wait_replicas: int = 0, wait_s: float = 1.0
    ) -> None:
        self._pool = pool
        self._ttl_s = max(1, math.ceil(ttl_s))
        # A tenth longer, so that not every read has to write.
        self._life_s = math.ceil(1.1 * self._ttl_s)
        self._wait_replicas = wait_replicas
        self._wait_s = wait_s

    async def start(self) -> None:
        """Wait for the server and load the scripts."""

        async def load() -> None:
            await self._pool.call(("SCRIPT", "LOAD", APPLY.text), ("SCRIPT", "LOAD", READ.text))

        await retry_until_ready(load, "the cache", (ShopError,))

    async def stop(self) -> None:
        """Close all connections."""
        await self._pool.stop()

    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        """Open a new server session."""
        ver = await self._apply(credentials, SESSION, ("sign-in", wid, wid, b""))
        return credentials, Session(credentials.session_id, credentials.user, ver, wid)

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        """End the server session."""
        return Receipt(await self._apply(credentials, SESSION, ("sign-out", wid, wid, b"")), wid)

    async def session(self, credentials: Credentials) -> Session:
        """The active server session."""
        key = _session_key(credentials)
        alive, (ver, wid) = await self._pool.call(
            ("EXPIRE", key, self._life_s), ("HMGET", key, "ver", "wid")
        )
        if not alive or wid is None:
            raise NotSignedIn("not signed in")
        return Session(credentials.session_id, credentials.user, int(ver), wid.decode())

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        """One object of the user's state."""
        keys = (_session_key(credentials), _key(credentials.user, name))
        found: int | bytes = (await READ(self._pool, keys, self._ttl_s, self._life_s))[0]
        if isinstance(found, int):
            raise NotSignedIn("not signed in")
        if not found:
            return NEVER_WRITTEN
        ver, wid, value = found.split(b" ", 2)
        return Versioned(int(ver), wid.decode(), value)

    async def write(self, credentials: Credentials, write: Write) -> Receipt:
        """Change one object of the user's state."""
        change = (write.operation, write.wid, write.deduplication_id, write.data)
        ver = await self._apply(credentials, write.object, change, write.user)
        return Receipt(ver, write.wid)

    async def health(self) -> Mapping[str, str]:
        """Whether the server answers."""
        try:
            await self._pool.call(("PING",))
        except ShopError as error:
            return {"cache": str(error)}
        return {"cache": "ok"}

    async def _apply(
        self,
        credentials: Credentials,
        name: str,
        change: tuple[str | bytes, ...],
        user: str = "",
    ) -> int:
        user = user or credentials.user
        keys = (_session_key(credentials), _key(user, name), _key(user, "applied"))
        wait: Command | None = None
        if self._wait_replicas:
            wait = ("WAIT", self._wait_replicas, int(self._wait_s * 1000))
        ver, *confirmed = await APPLY(self._pool, keys, *change, self._life_s, wait=wait)
        if ver < 0:
            raise NotSignedIn("not signed in")
        if confirmed and confirmed[0] < self._wait_replicas:
            raise OutcomeUnknown("too few replicas have confirmed the write")
        return int(ver)


def _session_key(credentials: Credentials) -> str:
    return f"{{{credentials.user}}}:session:{credentials.session_id}"


def _key(user: str, name: str) -> str:
    return f"{{{user}}}:{name}"


@dataclass(frozen=True, slots=True)
class ValkeySettings:
    """The store's own settings."""

    url: str
    ttl_s: float
    wait_replicas: int

    @classmethod
    def read(cls, environment: Environment) -> ValkeySettings:
        """From CACHE_URL, SESSION_TTL_S and CACHE_WAIT_REPLICAS."""
        return cls(
            url=environment.url("CACHE_URL", "redis", "rediss"),
            ttl_s=session_ttl_s(environment),
            wait_replicas=environment.count("CACHE_WAIT_REPLICAS", 0, least=0),
        )


def _connect(settings: ValkeySettings, resources: Resources) -> ValkeyStore:
    timeout_s = resources.command_timeout_s
    pool = ValkeyPool(settings.url, resources.connect_timeout_s, timeout_s)
    # Replicas get half of the time, so that the answer still arrives before the deadline.
    return ValkeyStore(pool, settings.ttl_s, settings.wait_replicas, timeout_s / 2)


VALKEY = StoreKind("valkey", ("CACHE_URL",), ValkeySettings.read, _connect)
