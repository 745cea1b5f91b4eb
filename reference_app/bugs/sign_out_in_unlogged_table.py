"""Who signed out is kept where no backup has it, and who is signed in where one has."""

from __future__ import annotations

from typing import Any

from reference_app.bugs.base import Bug
from reference_app.model.model import (
    SESSION,
    Credentials,
    NotSignedIn,
    Outcome,
    Receipt,
    Session,
    Versioned,
    Write,
)
from reference_app.postgres.schema import LOCK
from reference_app.shop.service import ShopService
from reference_app.stores.rds import RdsStore

TABLE = "CREATE UNLOGGED TABLE IF NOT EXISTS ended_sessions (id text PRIMARY KEY)"
MARK = "INSERT INTO ended_sessions VALUES ($1) ON CONFLICT DO NOTHING"
IS_MARKED = "SELECT EXISTS (SELECT FROM ended_sessions WHERE id = $1)"


class SignOutInUnloggedTable(Bug):
    """Leaves the session of every nth sign-out in its table, and marks it as ended elsewhere.

    The changes of an UNLOGGED table are in no log: PostgreSQL empties it after a crash, and it is
    empty on a standby that takes over and in a database that was restored.
    """

    name = "sign-out-in-unlogged-table"
    description = (
        "every nth sign-out only marks its session as ended, in an UNLOGGED table that no restore "
        "brings back"
    )
    seen_in = "lists of revoked tokens in a cache or an UNLOGGED table, beside backed-up sessions"
    found_as = ("resurrected",)
    default_number = 2
    needs = ("DATABASE_URL",)

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._table_exists = False

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        if not isinstance(self.store, RdsStore):
            return await self.inner.sign_out(credentials, wid)
        await self._refuse_marked(self.store, credentials)
        if not self.every_nth():
            return await self.inner.sign_out(credentials, wid)
        write = Write(credentials.user, SESSION, "clear", wid)
        receipt = await self.store.write(credentials, write)
        await self._ask(self.store, MARK, credentials)
        return receipt

    async def session(self, credentials: Credentials) -> Session:
        if not isinstance(self.store, RdsStore):
            return await self.inner.session(credentials)
        await self._refuse_marked(self.store, credentials)
        session = await self.inner.session(credentials)
        if (await self.inner.read(credentials, SESSION)).ver > session.ver:
            self.log_injection("brought-back", credentials.user, session.id)
        return session

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        await self.session(credentials)
        return await self.inner.read(credentials, name)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        await self.session(credentials)
        return await self.inner.write(credentials, write)

    async def _refuse_marked(self, store: RdsStore, credentials: Credentials) -> None:
        if await self._ask(store, IS_MARKED, credentials):
            raise NotSignedIn("not signed in")

    async def _ask(self, store: RdsStore, query: str, credentials: Credentials) -> Any:
        if not self._table_exists:
            await store.database.transact(_create_table)
            self._table_exists = True

        async def work(connection: Any) -> Any:
            return await connection.fetchval(query, credentials.session_id)

        return await store.database.run(work)


async def _create_table(connection: Any) -> None:
    await connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
    await connection.execute(TABLE)
