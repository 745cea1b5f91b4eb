"""Server sessions in PostgreSQL: sign-in, sign-out, and reading an object as a signed-in user.

Knows the table of sessions and how it joins the objects; knows no cookie beyond the credentials,
and nothing of queues. Any store that keeps its sessions in the database is built on it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from reference_app.model.model import (
    SESSION,
    Credentials,
    NotSignedIn,
    Receipt,
    Session,
    Versioned,
    Write,
)
from reference_app.postgres.objects import apply_locked, lock_user, versioned
from reference_app.postgres.pool import PostgresPool, Work

FIND = """
SELECT ver, wid, expires_at < now() + $3::interval AS renew FROM sessions
WHERE id = $1 AND user_name = $2 AND expires_at > now()"""
FIND_WITH_OBJECT = """
SELECT s.expires_at < now() + $3::interval AS renew, o.ver, o.wid, o.value FROM sessions s
LEFT JOIN objects o ON o.user_name = s.user_name AND o.object = $4
WHERE s.id = $1 AND s.user_name = $2 AND s.expires_at > now()"""
RENEW = "UPDATE sessions SET expires_at = now() + $2 WHERE id = $1"
INSERT = "INSERT INTO sessions VALUES ($1, $2, $3, $4, now() + $5) ON CONFLICT (id) DO NOTHING"
DELETE = "DELETE FROM sessions WHERE id = $1 AND user_name = $2 RETURNING id"
READ_APPLIED = "SELECT ver FROM applied_writes WHERE user_name = $1 AND apply_id = $2"


class SessionTable:
    """Server sessions that live for `ttl_s` at least after their last use, and a tenth more.

    The tenth is there so that not every use has to write.
    """

    def __init__(self, database: PostgresPool, ttl_s: float) -> None:
        self._database = database
        self._ttl = timedelta(seconds=ttl_s)
        self._life = 1.1 * self._ttl

    async def sign_in(self, credentials: Credentials, wid: str) -> Session:
        """Open a new server session; idempotent by write id."""
        user, session_id = credentials.user, credentials.session_id

        async def work(connection: Any) -> Session:
            await lock_user(connection, user)
            receipt = await apply_locked(connection, Write(user, SESSION, "set", wid))
            await connection.execute(INSERT, session_id, user, receipt.ver, wid, self._life)
            return Session(session_id, user, receipt.ver, wid)

        return await self._database.transact(work)

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        """End the server session; idempotent by write id. Raises NotSignedIn."""
        user = credentials.user

        async def work(connection: Any) -> Receipt:
            await lock_user(connection, user)
            deleted = await connection.fetchval(DELETE, credentials.session_id, user)
            write = Write(user, SESSION, "clear", wid)
            if deleted is None and not await _is_applied(connection, write):
                raise NotSignedIn("not signed in")
            return await apply_locked(connection, write)

        return await self._database.transact(work)

    async def write(self, credentials: Credentials, write: Write) -> Receipt:
        """Change one object as a signed-in user; idempotent by write id. Raises NotSignedIn."""
        find = self._find(credentials, FIND)

        async def work(connection: Any) -> Receipt:
            await lock_user(connection, write.user)
            signed_in = await find(connection) is not None
            if not signed_in and not await _is_applied(connection, write):
                raise NotSignedIn("not signed in")
            return await apply_locked(connection, write)

        return await self._database.transact(work)

    async def session(self, credentials: Credentials) -> Session:
        """The active server session. Raises NotSignedIn."""
        row = _signed_in(await self._database.run(self._find(credentials, FIND)))
        return Session(credentials.session_id, credentials.user, row["ver"], row["wid"])

    async def verify(self, credentials: Credentials, deadline_s: float) -> None:
        """Ask once, for at most `deadline_s`. Raises NotSignedIn."""
        _signed_in(await self._database.run_once(self._find(credentials, FIND), deadline_s))

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        """One object, in one round trip with its session. Raises NotSignedIn."""
        find = self._find(credentials, FIND_WITH_OBJECT, name)
        return versioned(_signed_in(await self._database.run(find)))

    def _find(self, credentials: Credentials, query: str, *arguments: str) -> Work[Any]:
        """The row of `query` for an active session, which is renewed when its tenth is used up."""

        async def work(connection: Any) -> Any:
            row = await connection.fetchrow(
                query, credentials.session_id, credentials.user, self._ttl, *arguments
            )
            if row is not None and row["renew"]:
                await connection.execute(RENEW, credentials.session_id, self._life)
            return row

        return work


async def _is_applied(connection: Any, write: Write) -> bool:
    """Whether an earlier attempt has applied it."""
    return await connection.fetchval(READ_APPLIED, write.user, write.deduplication_id) is not None


def _signed_in(row: Any) -> Any:
    if row is None:
        raise NotSignedIn("not signed in")
    return row
