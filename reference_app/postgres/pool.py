"""Connections to PostgreSQL behind one fixed endpoint that a failover may move at any moment.

Knows connections, deadlines and transactions; knows no table. What it promises: a connection
that a failover left behind fails at most one request, and an error says truly whether the
transaction may have been committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg

from reference_app.model.model import OutcomeUnknown, ShopError, Unavailable
from reference_app.outages import describe, retry_until_ready

T = TypeVar("T")
Connection = Any
"""An asyncpg connection; asyncpg's own types do not survive `mypy --strict`."""
Work = Callable[[Connection], Awaitable[T]]

IDLE_IN_TRANSACTION = "5s"
"""A process that is paused in the middle of a transaction must not hold its locks for ever."""

BROKEN = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, terminated by a failover
    asyncpg.ReadOnlySQLTransactionError,  # a primary that has become a standby
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.TargetServerAttributeNotMatched,
)


class PostgresPool:
    """A pool of at most `size` connections to the primary behind `url`, or to any server there."""

    def __init__(
        self,
        url: str,
        size: int,
        connect_timeout_s: float,
        command_timeout_s: float,
        *,
        primary: bool = True,
    ) -> None:
        self._url = url
        self.size = size
        self._wanted = "primary" if primary else "any"
        self._connect_timeout_s = connect_timeout_s
        self._command_timeout_s = command_timeout_s
        self._pool: Any = None

    async def start(self, prepare: Work[None]) -> None:
        """Connect and run `prepare` (idempotent) once; keeps trying until both have worked."""

        async def connect() -> None:
            await self.open()
            await self.run(prepare)

        errors = (ShopError, asyncpg.PostgresError, *BROKEN)
        await retry_until_ready(connect, "the database", errors)

    async def open(self) -> None:
        """Be ready to connect when a connection is first asked for; idempotent."""
        if self._pool is None:
            self._pool = await self._new_pool()

    async def stop(self) -> None:
        """Close all connections without waiting for a server that may not answer."""
        if self._pool is not None:
            self._pool.terminate()

    async def run(self, work: Work[T]) -> T:
        """Run `work`, which must be safe to run twice: once more if the connection broke.

        Raises Unavailable when there was no connection, OutcomeUnknown when the last one broke
        under `work`; errors of the statements themselves pass unchanged.
        """
        try:
            return await self.run_once(work)
        except (Unavailable, OutcomeUnknown):
            return await self.run_once(work)

    async def transact(self, work: Work[T]) -> T:
        """Run `work` and commit; `work` must be idempotent: it may be run and committed twice.

        Raises Unavailable when nothing was committed and OutcomeUnknown when the connection broke
        under a COMMIT.
        """
        committing = False

        async def transaction(connection: Connection) -> T:
            nonlocal committing
            await connection.execute("BEGIN")
            try:
                result = await work(connection)
            except (asyncpg.PostgresError, ShopError):
                await connection.execute("ROLLBACK")
                raise
            committing = True
            await connection.execute("COMMIT")
            return result

        try:
            return await self.run(transaction)
        except OutcomeUnknown as error:
            if committing:
                raise
            raise Unavailable(*error.args) from error
        except Unavailable as error:
            if committing:
                raise OutcomeUnknown(*error.args) from error
            raise

    async def run_once(self, work: Work[T], deadline_s: float | None = None) -> T:
        """Run `work` once, in `deadline_s` instead of the usual time. Raises as `run` does."""
        connection = await self._acquired()
        # The deadline closes the connection instead of asking the server to cancel: a cancelled
        # COMMIT would stop waiting for the standby and be visible without being safe.
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(deadline_s or self._command_timeout_s, _abandon, connection)
        try:
            return await work(connection)
        except (*BROKEN, AttributeError) as error:
            # Closed between two steps of one call, asyncpg stumbles over its own missing protocol.
            if isinstance(error, AttributeError) and loop.time() < deadline.when():
                raise
            _abandon(connection)
            await self._pool.expire_connections()
            raise OutcomeUnknown(
                f"the connection to the database broke ({describe(error)})"
            ) from error
        except (asyncpg.PostgresError, ShopError):  # nothing is wrong with the connection
            raise
        except BaseException:  # cancelled, perhaps in the middle of a transaction
            _abandon(connection)
            raise
        finally:
            deadline.cancel()
            await self._pool.release(connection)

    async def _acquired(self) -> Connection:
        if self._pool is None:
            raise Unavailable("the database is not connected yet")
        try:
            return await self._pool.acquire(timeout=self._connect_timeout_s)
        except BROKEN as error:
            await self._pool.expire_connections()
            raise Unavailable(f"the database does not answer ({describe(error)})") from error

    async def _new_pool(self) -> Any:
        return await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self.size,
            timeout=self._connect_timeout_s,
            reset=_no_reset,
            target_session_attrs=self._wanted,
            server_settings={
                "application_name": "shop",
                "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
            },
        )


def _abandon(connection: Connection) -> None:
    """Close it now, without telling the server."""
    with suppress(asyncpg.InterfaceError):  # asyncpg has taken a broken one back already
        connection.terminate()


async def _no_reset(connection: Connection) -> None:
    """No session state is ever set, so a reset would cost a round trip for nothing."""
