"""Sessions and user state in PostgreSQL, each write applied before it is answered.

`SESSION_STORE=rds` needs DATABASE_URL. Knows no SQL: a write is one transaction of SessionTable.
"""

from __future__ import annotations

from collections.abc import Mapping

from reference_app.model.model import Credentials, Receipt, Write
from reference_app.stores.base import Resources, StoreKind, session_ttl_s
from reference_app.stores.database_sessions import DatabaseSessions


class RdsStore(DatabaseSessions):
    """The session store of a deployment that keeps all its state in one database."""

    queues_writes = False

    async def start(self) -> None:
        """The process has connected the database."""

    async def write(self, credentials: Credentials, write: Write) -> Receipt:
        """Change one object of the user's state."""
        return await self._sessions.write(credentials, write)

    async def health(self) -> Mapping[str, str]:
        """Nothing beside the database, which the shop asks."""
        return {}


def _connect(ttl_s: float, resources: Resources) -> RdsStore:
    assert resources.database is not None  # DATABASE_URL is needed
    return RdsStore(resources.database, ttl_s)


RDS = StoreKind("rds", ("DATABASE_URL",), session_ttl_s, _connect)
