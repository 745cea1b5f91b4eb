"""Where sessions and user state live: one small interface, one module for each place.

Knows the interface only; which store is used is decided where the application is put together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from reference_app.model.model import Accepted, Caller, Session, Stamp, Versioned, Write


class SessionStore(Protocol):
    """What the application asks of the place that keeps sessions, preferences, cart, history.

    Every method may raise NotSignedIn (surely nothing changed), Unavailable (surely nothing
    changed) or, when it writes, Uncertain. All writes are idempotent by their write id.
    """

    queues_writes: bool
    """True when `write` answers Accepted: durable, visible later."""

    async def start(self) -> None:
        """Connect; keeps trying until everything needed is there."""

    async def stop(self) -> None:
        """Close all connections."""

    async def sign_in(self, caller: Caller, wid: str) -> tuple[Caller, Session]:
        """Open a new server session; answers the caller whose cookies the client must keep."""

    async def sign_out(self, caller: Caller, wid: str) -> Stamp:
        """End the server session."""

    async def session(self, caller: Caller) -> Session:
        """The living server session of this caller."""

    async def read(self, caller: Caller, name: str) -> Versioned:
        """One object of the caller's state."""

    async def write(self, caller: Caller, write: Write) -> Stamp | Accepted:
        """Change one object of the caller's state."""

    async def health(self) -> Mapping[str, str]:
        """The state of each dependency: `ok` or what is wrong."""
