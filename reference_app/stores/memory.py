"""Sessions and user state in the memory of this instance: the fastest store, and gone with it.

Knows no other instance. One event loop and no await between reading and writing an object
make every change atomic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reference_app.model.model import (
    NEVER_WRITTEN,
    SESSION,
    Caller,
    NotSignedIn,
    Session,
    Stamp,
    Versioned,
    Write,
    applied,
)

SWEEP_EVERY = 1000
"""Sign-ins between two sweeps of expired sessions."""


@dataclass(slots=True)
class _User:
    objects: dict[str, Versioned] = field(default_factory=dict)
    applied: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Living:
    session: Session
    expires_s: float


class MemoryStore:
    """The session store of a sticky deployment; `ttl_s` slides with every request."""

    queues_writes = False

    def __init__(self, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._users: dict[str, _User] = {}
        self._sessions: dict[str, _Living] = {}
        self._sign_ins = 0

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def sign_in(self, caller: Caller, wid: str) -> tuple[Caller, Session]:
        """Open a new server session."""
        stamp = self._apply(Write(caller.user, SESSION, "set", wid))
        session = Session(caller.public, caller.user, stamp.ver, wid)
        self._sessions[caller.public] = _Living(session, self._clock() + self._ttl_s)
        self._sign_ins += 1
        if self._sign_ins % SWEEP_EVERY == 0:
            self._sweep()
        return caller, session

    async def sign_out(self, caller: Caller, wid: str) -> Stamp:
        """End the server session."""
        self._living(caller)
        del self._sessions[caller.public]
        return self._apply(Write(caller.user, SESSION, "clear", wid))

    async def session(self, caller: Caller) -> Session:
        """The living server session of this caller."""
        return self._living(caller)

    async def read(self, caller: Caller, name: str) -> Versioned:
        """One object of the caller's state."""
        self._living(caller)
        user = self._users.get(caller.user)
        return user.objects.get(name, NEVER_WRITTEN) if user else NEVER_WRITTEN

    async def write(self, caller: Caller, write: Write) -> Stamp:
        """Change one object of the caller's state."""
        self._living(caller)
        return self._apply(write)

    async def health(self) -> Mapping[str, str]:
        """Memory has no dependency."""
        return {}

    def _living(self, caller: Caller) -> Session:
        living = self._sessions.get(caller.public)
        now_s = self._clock()
        if living is None or living.session.user != caller.user or living.expires_s <= now_s:
            raise NotSignedIn("not signed in")
        living.expires_s = now_s + self._ttl_s
        return living.session

    def _apply(self, write: Write) -> Stamp:
        user = self._users.setdefault(write.user, _User())
        earlier = user.applied.get(write.remembered_as)
        if earlier is not None:
            return Stamp(earlier, write.wid)
        after = applied(write, user.objects.get(write.object, NEVER_WRITTEN))
        user.objects[write.object] = after
        user.applied[write.remembered_as] = after.ver
        return Stamp(after.ver, write.wid)

    def _sweep(self) -> None:
        now_s = self._clock()
        for public in [p for p, one in self._sessions.items() if one.expires_s <= now_s]:
            del self._sessions[public]
