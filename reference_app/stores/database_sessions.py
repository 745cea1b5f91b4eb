"""What all stores share that keep their sessions in PostgreSQL. Knows no SQL, and no write."""

from __future__ import annotations

from reference_app.model.model import Credentials, Receipt, Session, Versioned
from reference_app.postgres.pool import PostgresPool
from reference_app.postgres.sessions import SessionTable


class DatabaseSessions:
    """Server sessions and reads of a session store; `ttl_s` slides with use."""

    def __init__(self, database: PostgresPool, ttl_s: float) -> None:
        self.database = database
        self._sessions = SessionTable(database, ttl_s)

    async def stop(self) -> None:
        """The store has no connection of its own."""

    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        """Open a new server session."""
        return credentials, await self._sessions.sign_in(credentials, wid)

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        """End the server session."""
        return await self._sessions.sign_out(credentials, wid)

    async def session(self, credentials: Credentials) -> Session:
        """The active server session."""
        return await self._sessions.session(credentials)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        """One object of the user's state, as the database has it now."""
        return await self._sessions.read(credentials, name)
