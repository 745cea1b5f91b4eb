"""The bugs of bugs.py that go wrong when something is read or a session looked up.

Each is a wrapper around a shop. Counters decide, not chance; they are per process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

import orjson

from reference_app.bugs.base import ObjectKey, Outcome, Wrapper
from reference_app.model.model import (
    NEVER_WRITTEN,
    Accepted,
    Caller,
    Session,
    Unavailable,
    Uncertain,
    Versioned,
    Write,
)
from reference_app.shop.service import Shop
from reference_app.stores.memory import MemoryStore

T = TypeVar("T")


class StaleReplica(Wrapper):
    """Keeps a copy of each object and looks at the object itself only at every nth reading."""

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner, n)
        self._copies: dict[ObjectKey, Versioned] = {}
        self._served: defaultdict[ObjectKey, int] = defaultdict(int)

    async def read(self, caller: Caller, name: str) -> Versioned:
        """The copy, or at every nth reading a new one."""
        key = (caller.user, name)
        await self.inner.session(caller)
        if self._served[key] % self.n == 0:
            self._copies[key] = await self.inner.read(caller, name)
        self._served[key] += 1
        one, now = self._copies[key], await self.inner.read(caller, name)
        if one != now:
            self.confess("showed-old", *key, one.ver, now.ver)
        return one


class OldStateAfterFailback(Wrapper):
    """From version n on, answers with the last version seen that was at most half of it."""

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner, n)
        self._old: dict[ObjectKey, Versioned] = {}

    async def read(self, caller: Caller, name: str) -> Versioned:
        """The present, or the past."""
        now = await self.inner.read(caller, name)
        self._remember((caller.user, name), now)
        old = self._old.get((caller.user, name))
        if old is None or now.ver < self.n:
            return now
        self.confess("showed-old", caller.user, name, old.ver, now.ver)
        return old

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write, and keep what will be the past."""
        outcome = await self.inner.write(caller, write)
        self._remember((write.user, write.object), await self.inner.read(caller, write.object))
        return outcome

    def _remember(self, key: ObjectKey, one: Versioned) -> None:
        if 0 < one.ver <= self.n // 2:
            self._old[key] = one


class ResurrectRemovedItem(Wrapper):
    """Shows what was removed from the cart again, at every nth reading of that cart."""

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner, n)
        self._removed: dict[str, bytes] = {}
        self._reads: defaultdict[str, int] = defaultdict(int)

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write, and remember what it removes."""
        if write.operation in ("remove", "clear"):
            before = (await self.inner.read(caller, write.object)).value or b""
            start = b'{"id":"' + write.data
            gone = [line for line in before.splitlines() if line.startswith(start)]
            if gone:
                self._removed[write.user] = gone[0]
        return await self.inner.write(caller, write)

    async def read(self, caller: Caller, name: str) -> Versioned:
        """The object; of the cart, at times, more."""
        one = await self.inner.read(caller, name)
        removed = self._removed.get(caller.user)
        if name != "cart" or removed is None:
            return one
        self._reads[caller.user] += 1
        if self._reads[caller.user] % self.n:
            return one
        self.confess("brought-back", orjson.loads(removed)["id"])
        lines = [line for line in (one.value or b"", removed) if line]
        return replace(one, value=b"\n".join(lines))


class AnotherUsersCart(Wrapper):
    """Answers every nth reading of a cart with the cart that another user read last."""

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner, n)
        self._last: tuple[str, Versioned] = ("", NEVER_WRITTEN)

    async def read(self, caller: Caller, name: str) -> Versioned:
        """One's own object, or another's cart."""
        one = await self.inner.read(caller, name)
        if name != "cart":
            return one
        user, other = self._last
        if one.value:
            self._last = (caller.user, one)
        self._seen += 1
        if self._seen >= self.n and other.value and user != caller.user:
            self._seen = 0
            self.confess("showed-cart-of", user, caller.user)
            return other
        return one


class SilentSessionLoss(Wrapper):
    """Ends a server session at its nth request."""

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner, n)
        self._requests: defaultdict[str, int] = defaultdict(int)

    async def session(self, caller: Caller) -> Session:
        """The session, while it lasts."""
        await self._count(caller)
        return await self.inner.session(caller)

    async def read(self, caller: Caller, name: str) -> Versioned:
        """Read, while the session lasts."""
        await self._count(caller)
        return await self.inner.read(caller, name)

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write, while the session lasts."""
        await self._count(caller)
        return await self.inner.write(caller, write)

    async def _count(self, caller: Caller) -> None:
        self._requests[caller.public] += 1
        if self._requests[caller.public] == self.n:
            self.confess("threw-away", caller.user, caller.public)
            await self.inner.sign_out(caller, f"evicted-{caller.public}")


class FreshSessionOnStoreError(Wrapper):
    """Takes a failing store for an unknown visitor: a new session, empty state, no error.

    From then on the cookie stands for the new session, which lives in the memory of this process.
    """

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner, n)
        self._memory = MemoryStore(ttl_s=86_400)
        self._fresh: dict[str, Caller] = {}

    async def session(self, caller: Caller) -> Session:
        """The session, or a new one."""
        known = None if self._failing(caller) else await self._asked(self.inner.session(caller))
        user = caller.user
        return known or replace(await self._memory.session(await self._stranger(caller)), user=user)

    async def read(self, caller: Caller, name: str) -> Versioned:
        """The object, or nothing."""
        known = None if self._failing(caller) else await self._asked(self.inner.read(caller, name))
        return known or await self._memory.read(await self._stranger(caller), name)

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """Write, or seem to."""
        done = None if self._failing(caller) else await self._asked(self.inner.write(caller, write))
        if done:
            return done
        stranger = await self._stranger(caller)
        stamp = await self._memory.write(stranger, replace(write, user=stranger.user))
        return Accepted(write.wid, {}) if self.store.queues_writes else stamp

    def _failing(self, caller: Caller) -> bool:
        return self.every_nth() or caller.public in self._fresh

    async def _asked(self, answer: Awaitable[T]) -> T | None:
        """What the store says; None when it fails."""
        try:
            return await answer
        except (Unavailable, Uncertain):
            return None

    async def _stranger(self, caller: Caller) -> Caller:
        """The caller as whom this process takes it now; signs a new one in."""
        fresh = self._fresh.get(caller.public)
        if fresh is None:
            fresh = Caller.new(f"{caller.user}-anew")
            self.confess("forgot", caller.user, caller.public)
            self._fresh[caller.public] = fresh
            await self._memory.sign_in(fresh, fresh.public)
        caller.token, caller.user = fresh.token, fresh.user
        return caller
