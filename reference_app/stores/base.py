"""What a session store is, and what a row of the table of stores says. Knows no store.

Every store has one setting: SESSION_TTL_S, 86400, slides with use.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from reference_app.aws.clients import AwsClients
from reference_app.environment import Environment
from reference_app.model.model import Credentials, Outcome, Receipt, Session, Versioned, Write
from reference_app.postgres.pool import PostgresPool

S = TypeVar("S")

logger = logging.getLogger(__name__)


class SessionStore(Protocol):
    """Where sessions, preferences, cart and history are kept.

    Every method may raise NotSignedIn (nothing changed), Unavailable (nothing changed) or, when
    it writes, OutcomeUnknown. All writes are idempotent by their write id.
    """

    queues_writes: bool
    """True when `write` answers Accepted: durable, visible later."""

    async def start(self) -> None:
        """Connect; keeps trying until everything that the store needs is there."""

    async def stop(self) -> None:
        """Close the store's own connections."""

    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        """Open a new server session. The client must keep the cookies of the credentials."""

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        """End the server session."""

    async def session(self, credentials: Credentials) -> Session:
        """The active server session."""

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        """One object of the user's state."""

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        """Change one object of the user's state."""

    async def health(self) -> Mapping[str, str]:
        """The state of each dependency: `ok`, or what is wrong."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What the process is connected to, for a store to use; the process starts and stops it."""

    database: PostgresPool | None
    aws: AwsClients
    connect_timeout_s: float
    command_timeout_s: float
    give_up: Callable[[str], None] = logger.error
    """Called by a store that can serve no more until the process is replaced, with why."""


@dataclass(frozen=True, slots=True)
class StoreKind(Generic[S]):
    """One row of the table of stores.

    `needs`: environment variables that must be set; `read`: the store's own settings, with all
    that is wrong in the environment's problems; `connect`: the store, which does no I/O yet.
    """

    name: str
    needs: tuple[str, ...]
    read: Callable[[Environment], S]
    connect: Callable[[S, Resources], SessionStore]


def session_ttl_s(environment: Environment) -> float:
    """For how long a session lives after its last use, in every store."""
    return environment.seconds("SESSION_TTL_S", 86_400)
