"""A failing session store is taken for an unknown visitor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from reference_app.bugs.base import Bug
from reference_app.model.model import (
    Accepted,
    Credentials,
    Outcome,
    OutcomeUnknown,
    Session,
    Unavailable,
    Versioned,
    Write,
)
from reference_app.shop.service import ShopService
from reference_app.stores.memory import MemoryStore

T = TypeVar("T")


class FreshSessionOnStoreError(Bug):
    """On a store error the user gets a new session with empty state instead of an error.

    From then on the cookie stands for the new session, which lives in the memory of this process.
    """

    name = "fresh-session-on-store-error"
    description = (
        "when the store fails, which it also seems to do at every nth request, the user silently "
        "gets a new, empty session instead of an error"
    )
    seen_in = "PHP and Express session handlers that treat a failed lookup as no session"
    found_as = ("session-lost",)
    default_number = 20

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._memory = MemoryStore(ttl_s=86_400)
        self._replacements: dict[str, Credentials] = {}

    async def session(self, credentials: Credentials) -> Session:
        user = credentials.user
        session = await self._unless_failing(credentials, lambda: self.inner.session(credentials))
        if session:
            return session
        replacement = await self._replacement_session(credentials)
        return replace(await self._memory.session(replacement), user=user)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        one = await self._unless_failing(credentials, lambda: self.inner.read(credentials, name))
        if one:
            return one
        return await self._memory.read(await self._replacement_session(credentials), name)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        done = await self._unless_failing(credentials, lambda: self.inner.write(credentials, write))
        if done:
            return done
        replacement = await self._replacement_session(credentials)
        receipt = await self._memory.write(replacement, replace(write, user=replacement.user))
        return Accepted(write.wid, {}) if self.store.queues_writes else receipt

    async def _unless_failing(
        self, credentials: Credentials, call: Callable[[], Awaitable[T]]
    ) -> T | None:
        """The result of the call; None when the store fails or seems to."""
        if self.every_nth() or credentials.session_id in self._replacements:
            return None
        try:
            return await call()
        except (Unavailable, OutcomeUnknown):
            return None

    async def _replacement_session(self, credentials: Credentials) -> Credentials:
        """The credentials, now those of the new session; opens it the first time."""
        fresh = self._replacements.get(credentials.session_id)
        if fresh is None:
            fresh = Credentials.new(f"{credentials.user}-anew")
            self.log_injection("forgot", credentials.user, credentials.session_id)
            self._replacements[credentials.session_id] = fresh
            await self._memory.sign_in(fresh, fresh.session_id)
        credentials.token, credentials.user = fresh.token, fresh.user
        return credentials
