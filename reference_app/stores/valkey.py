"""Sessions and user state in Valkey, shared by all instances.

Knows keys and two scripts; knows nothing of connections (that is valkey_link). All keys of a
user share the hash tag {user}, so they live in one slot and one script may touch them. A write
is one script: server session, object and remembered write id change together or not at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError

from reference_app.model.model import (
    NEVER_WRITTEN,
    SESSION,
    Caller,
    NotSignedIn,
    Session,
    ShopError,
    Stamp,
    Uncertain,
    Versioned,
    Write,
)
from reference_app.valkey.pool import Argument, Command, Link


class Script:
    """A Lua script of this package, called by its hash and sent in full when it is not known."""

    def __init__(self, name: str) -> None:
        self.text = resources.files(__package__).joinpath(f"{name}.lua").read_text()
        self._sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(
        self, link: Link, keys: tuple[str, ...], *arguments: Argument, wait: Command | None = None
    ) -> list[Any]:
        """The reply of the script, and of a `wait` command sent after it."""
        rest = (len(keys), *keys, *arguments)
        after = (wait,) if wait else ()
        try:
            return await link.call(("EVALSHA", self._sha, *rest), *after)
        except NoScriptError:  # a new or a flushed server; it keeps the text from now on
            return await link.call(("EVAL", self.text, *rest), *after)


APPLY = Script("valkey_apply")
READ = Script("valkey_read")
RETRY_START_S = 0.2


class ValkeyStore:
    """The session store of a distributed deployment; `ttl_s` slides with use.

    With `wait_replicas` > 0 a write is answered only when so many replicas have it; if they
    have not within `wait_s`, the write is there but its durability is not: Uncertain.
    """

    queues_writes = False

    def __init__(
        self, link: Link, ttl_s: float, wait_replicas: int = 0, wait_s: float = 1.0
    ) -> None:
        self._link = link
        self._ttl_s = max(1, math.ceil(ttl_s))
        self._wait_replicas = wait_replicas
        self._wait_s = wait_s

    async def start(self) -> None:
        """Wait for the server and load the script."""
        while True:
            try:
                await self._link.call(("SCRIPT", "LOAD", APPLY.text), ("SCRIPT", "LOAD", READ.text))
                return
            except ShopError:
                await asyncio.sleep(RETRY_START_S)

    async def stop(self) -> None:
        """Close all connections."""
        await self._link.stop()

    async def sign_in(self, caller: Caller, wid: str) -> tuple[Caller, Session]:
        """Open a new server session."""
        ver = await self._apply(caller, SESSION, ("sign-in", wid, wid, b""))
        return caller, Session(caller.public, caller.user, ver, wid)

    async def sign_out(self, caller: Caller, wid: str) -> Stamp:
        """End the server session."""
        return Stamp(await self._apply(caller, SESSION, ("sign-out", wid, wid, b"")), wid)

    async def session(self, caller: Caller) -> Session:
        """The living server session of this caller."""
        key = _session_key(caller)
        alive, (ver, wid) = await self._link.call(
            ("EXPIRE", key, self._ttl_s), ("HMGET", key, "ver", "wid")
        )
        if not alive or wid is None:
            raise NotSignedIn("not signed in")
        return Session(caller.public, caller.user, int(ver), wid.decode())

    async def read(self, caller: Caller, name: str) -> Versioned:
        """One object of the caller's state."""
        keys = (_session_key(caller), _key(caller.user, name))
        found: int | bytes = (await READ(self._link, keys, self._ttl_s))[0]
        if isinstance(found, int):
            raise NotSignedIn("not signed in")
        if not found:
            return NEVER_WRITTEN
        ver, wid, value = found.split(b" ", 2)
        return Versioned(int(ver), wid.decode(), value)

    async def write(self, caller: Caller, write: Write) -> Stamp:
        """Change one object of the caller's state."""
        what = (write.operation, write.wid, write.remembered_as, write.data)
        return Stamp(await self._apply(caller, write.object, what, write.user), write.wid)

    async def health(self) -> Mapping[str, str]:
        """Whether the server answers."""
        try:
            await self._link.call(("PING",))
        except ShopError as error:
            return {"cache": str(error)}
        return {"cache": "ok"}

    async def _apply(
        self, caller: Caller, name: str, what: tuple[str | bytes, ...], user: str = ""
    ) -> int:
        user = user or caller.user
        keys = (_session_key(caller), _key(user, name), _key(user, "applied"))
        wait: Command | None = None
        if self._wait_replicas:
            wait = ("WAIT", self._wait_replicas, int(self._wait_s * 1000))
        ver, *confirmed = await APPLY(self._link, keys, *what, self._ttl_s, wait=wait)
        if ver < 0:
            raise NotSignedIn("not signed in")
        if confirmed and confirmed[0] < self._wait_replicas:
            raise Uncertain("too few replicas have confirmed the write")
        return int(ver)


def _session_key(caller: Caller) -> str:
    return f"{{{caller.user}}}:session:{caller.public}"


def _key(user: str, name: str) -> str:
    return f"{{{user}}}:{name}"
