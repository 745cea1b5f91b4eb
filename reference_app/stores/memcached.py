"""Sessions and user state in Memcached, each user's on one of several nodes.

`SESSION_STORE=memcached` needs CACHE_URL, memcached://host:11211; memcached/pool.py has more.

Two items of a user: the server session, and one for all of the state, with the write ids that made
it. Both are read, and live on, in one command; a write puts the state with `cas`, so that it
happens after nothing but what it has seen. State that is gone while its session is there was
evicted: the session is then gone, too, because nobody may be told that a cart is empty.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

import orjson

from reference_app.environment import Environment
from reference_app.memcached.pool import Found, MemcachedPool, MemcachedSettings
from reference_app.model.model import (
    NEVER_WRITTEN,
    SESSION,
    Credentials,
    NotSignedIn,
    OutcomeUnknown,
    Receipt,
    Session,
    Unavailable,
    Versioned,
    Write,
    apply_write,
)
from reference_app.outages import retry_until_ready
from reference_app.stores.base import Resources, StoreKind, session_ttl_s

LONGEST_TIMEOUT_S = 1.0
MOST_ATTEMPTS = 20
TOO_MANY = "too many changes of this user's state at once"
MOST_REMEMBERED = 1000
"""Write ids of a user: many times those that may still be sent again."""


@dataclass(slots=True)
class UserState:
    """All objects of one user, and write id -> version of the last writes."""

    objects: dict[str, Versioned] = field(default_factory=dict)
    applied: dict[str, int] = field(default_factory=dict)

    def apply(self, write: Write) -> int:
        """The version that `write` makes, or made when it came first."""
        if earlier := self.applied.get(write.deduplication_id):
            return earlier
        after = apply_write(write, self.objects.get(write.object, NEVER_WRITTEN))
        self.objects[write.object] = after
        self.applied[write.deduplication_id] = after.ver
        for oldest in list(self.applied)[:-MOST_REMEMBERED]:
            del self.applied[oldest]
        return after.ver

    def to_bytes(self) -> bytes:
        """As it is stored."""
        objects = {
            name: (each.ver, each.wid, (each.value or b"").decode())
            for name, each in self.objects.items()
        }
        return orjson.dumps((objects, self.applied))

    @classmethod
    def from_bytes(cls, text: bytes) -> UserState:
        """What `to_bytes` made."""
        objects, applied = orjson.loads(text)
        return cls(
            {
                name: Versioned(ver, wid, value.encode())
                for name, (ver, wid, value) in objects.items()
            },
            applied,
        )


class MemcachedStore:
    """The session store of a distributed deployment on Memcached; `ttl_s` slides with use."""

    queues_writes = False

    def __init__(self, pool: MemcachedPool, ttl_s: float) -> None:
        self._pool = pool
        # The server's clock ticks once a second: an item of n seconds may live for n - 1 only.
        self._life_s = math.ceil(ttl_s) + 1

    async def start(self) -> None:
        """Wait until the nodes are known."""
        await retry_until_ready(self._pool.start, "the cache", (Unavailable,))

    async def stop(self) -> None:
        """Close all connections."""
        await self._pool.stop()

    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        """Open a new server session."""
        user, key = credentials.user, _state_key(credentials.user)
        for _ in range(MOST_ATTEMPTS):
            before = (await self._pool.fetch(user, (key,), self._life_s)).get(key)
            ver = await self._put(before, Write(user, SESSION, "set", wid))
            if ver is not None:
                value = f"{ver} {wid}".encode()
                await _second_step(
                    self._pool.set(user, _session_key(credentials), value, self._life_s)
                )
                return credentials, Session(credentials.session_id, user, ver, wid)
        raise Unavailable(TOO_MANY)

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        """End the server session."""
        receipt = await self.write(credentials, Write(credentials.user, SESSION, "clear", wid))
        await _second_step(self._pool.delete(credentials.user, _session_key(credentials)))
        return receipt

    async def session(self, credentials: Credentials) -> Session:
        """The active server session."""
        session, _ = await self._found(credentials, credentials.user)
        if session is None:
            raise NotSignedIn("not signed in")
        ver, wid = session.value.decode().split(" ", 1)
        return Session(credentials.session_id, credentials.user, int(ver), wid)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        """One object of the user's state."""
        session, state = await self._found(credentials, credentials.user)
        if session is None or state is None:
            raise NotSignedIn("not signed in")
        return UserState.from_bytes(state.value).objects.get(name, NEVER_WRITTEN)

    async def write(self, credentials: Credentials, write: Write) -> Receipt:
        """Change one object of the user's state."""
        for _ in range(MOST_ATTEMPTS):
            session, before = await self._found(credentials, write.user)
            if session is None:
                raise NotSignedIn("not signed in")
            ver = await self._put(before, write)
            if ver is not None:
                return Receipt(ver, write.wid)
        raise Unavailable(TOO_MANY)

    async def health(self) -> Mapping[str, str]:
        """Whether every node answered last."""
        return {"cache": await self._pool.health()}

    async def _found(
        self, credentials: Credentials, user: str
    ) -> tuple[Found | None, Found | None]:
        """The server session, and the state of `user`, who is its user unless there is a bug."""
        session, state = _session_key(credentials), _state_key(user)
        if user == credentials.user:
            found = await self._pool.fetch(user, (session, state), self._life_s)
            # Without its state a session is worth nothing: it was evicted.
            return (found.get(session) if state in found else None), found.get(state)
        sessions = await self._pool.fetch(credentials.user, (session,), self._life_s)
        states = await self._pool.fetch(user, (state,), self._life_s)
        return sessions.get(session), states.get(state)

    async def _put(self, before: Found | None, write: Write) -> int | None:
        """The version that `write` makes of the state `before`; None: that has changed."""
        state = UserState.from_bytes(before.value) if before else UserState()
        ver = state.apply(write)
        put = await self._pool.replace(
            write.user, _state_key(write.user), state.to_bytes(), before, self._life_s
        )
        return ver if put else None


async def _second_step(step: Awaitable[None]) -> None:
    """The end of a change whose first step is done; refused, it leaves half of it."""
    try:
        await step
    except Unavailable as error:
        raise OutcomeUnknown(error.args[0]) from error


def _session_key(credentials: Credentials) -> str:
    return f"session:{credentials.session_id}:{credentials.user}"


def _state_key(user: str) -> str:
    return f"state:{user}"


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The store's own settings."""

    cache: MemcachedSettings
    ttl_s: float

    @classmethod
    def read(cls, environment: Environment) -> StoreSettings:
        """From CACHE_URL and what goes with it, and SESSION_TTL_S."""
        return cls(MemcachedSettings.read(environment), session_ttl_s(environment))


def _connect(settings: StoreSettings, resources: Resources) -> MemcachedStore:
    timeout_s = min(LONGEST_TIMEOUT_S, resources.command_timeout_s)
    return MemcachedStore(MemcachedPool(settings.cache, timeout_s), settings.ttl_s)


MEMCACHED = StoreKind("memcached", ("CACHE_URL",), StoreSettings.read, _connect)
