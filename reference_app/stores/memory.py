"""Sessions and user state in the memory of this instance: the fastest store, lost with it.

`SESSION_STORE=memory` needs nothing. Knows no other instance. One event loop and no await between
reading and writing an object make every change atomic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reference_app.model.model import (
    NEVER_WRITTEN,
    SESSION,
    Credentials,
    NotSignedIn,
    Receipt,
    Session,
    Versioned,
    Write,
    apply_write,
)
from reference_app.stores.base import StoreKind, session_ttl_s

SIGN_INS_BETWEEN_SWEEPS = 1000
"""Expired sessions are removed at every thousandth sign-in."""


@dataclass(slots=True)
class _User:
    objects: dict[str, Versioned] = field(default_factory=dict)
    applied: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _ActiveSession:
    session: Session
    expires_s: float


class MemoryStore:
    """The session store of a sticky deployment; `ttl_s` slides with every request."""

    queues_writes = False

    def __init__(self, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._users: dict[str, _User] = {}
        self._sessions: dict[str, _ActiveSession] = {}
        self._sign_ins = 0

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        """Open a new server session."""
        receipt = self._apply(Write(credentials.user, SESSION, "set", wid))
        session = Session(credentials.session_id, credentials.user, receipt.ver, wid)
        self._sessions[session.id] = _ActiveSession(session, self._clock() + self._ttl_s)
        self._sign_ins += 1
        if self._sign_ins % SIGN_INS_BETWEEN_SWEEPS == 0:
            self._remove_expired()
        return credentials, session

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        """End the server session."""
        session = self._active_session(credentials)
        del self._sessions[session.id]
        return self._apply(Write(credentials.user, SESSION, "clear", wid))

    async def session(self, credentials: Credentials) -> Session:
        """The active server session."""
        return self._active_session(credentials)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        """One object of the user's state."""
        self._active_session(credentials)
        user = self._users.get(credentials.user)
        return user.objects.get(name, NEVER_WRITTEN) if user else NEVER_WRITTEN

    async def write(self, credentials: Credentials, write: Write) -> Receipt:
        """Change one object of the user's state."""
        self._active_session(credentials)
        return self._apply(write)

    async def health(self) -> Mapping[str, str]:
        """Memory has no dependency."""
        return {}

    def _active_session(self, credentials: Credentials) -> Session:
        active = self._sessions.get(credentials.session_id)
        now_s = self._clock()
        if active is None or active.session.user != credentials.user or active.expires_s <= now_s:
            raise NotSignedIn("not signed in")
        active.expires_s = now_s + self._ttl_s
        return active.session

    def _apply(self, write: Write) -> Receipt:
        user = self._users.setdefault(write.user, _User())
        earlier_ver = user.applied.get(write.deduplication_id)
        if earlier_ver is not None:
            return Receipt(earlier_ver, write.wid)
        after = apply_write(write, user.objects.get(write.object, NEVER_WRITTEN))
        user.objects[write.object] = after
        user.applied[write.deduplication_id] = after.ver
        return Receipt(after.ver, write.wid)

    def _remove_expired(self) -> None:
        now_s = self._clock()
        for name in [n for n, active in self._sessions.items() if active.expires_s <= now_s]:
            del self._sessions[name]


MEMORY = StoreKind("memory", (), session_ttl_s, lambda ttl_s, _: MemoryStore(ttl_s))
