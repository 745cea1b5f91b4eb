"""Connections to PostgreSQL behind one fixed endpoint that a failover may move at any moment.

Knows connections, deadlines and transactions; knows no table. What it promises: a connection
that a failover left behind fails at most one request, and an error says truly whether the
transaction may have been committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg

from reference_app.model.model import ShopError, Unavailable, Uncertain

T = TypeVar("T")
Connection = Any
"""An asyncpg connection; asyncpg's own types do not survive `mypy --strict`."""
Work = Callable[[Connection], Awaitable[T]]

logger = logging.getLogger(__name__)
RETRY_START_S = 0.2
IDLE_IN_TRANSACTION = "5s"
"""A process frozen in the middle of a transaction must not hold its locks for ever."""

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


class Database:
    """A pool of at most `size` connections to the primary behind `url`."""

    def __init__(
        self, url: str, size: int, connect_timeout_s: float, command_timeout_s: float
    ) -> None:
        self._url = url
        self._size = size
        self._connect_timeout_s = connect_timeout_s
        self._command_timeout_s = command_timeout_s
        self._pool: Any = None

    async def start(self, prepare: Work[None]) -> None:
        """Connect and run `prepare` (idempotent) once; keeps trying until both worked."""
        waiting = False
        while True:
            try:
                if self._pool is None:
                    self._pool = await self._new_pool()
                await self.run(prepare)
                return
            except (ShopError, asyncpg.PostgresError, *BROKEN) as error:
                if not waiting:
                    logger.warning("waiting for the database (%s)", _brief(error))
                waiting = True
                await asyncio.sleep(RETRY_START_S)

    async def stop(self) -> None:
        """Close all connections without waiting for a server that may not answer."""
        if self._pool is not None:
            self._pool.terminate()

    async def run(self, work: Work[T]) -> T:
        """Run `work`, which must be safe to run twice: once more if the connection broke.

        Raises Unavailable when no connection was to be had, Uncertain when the last one broke
        under `work`; errors of the statements themselves come as they are.
        """
        try:
            return await self.run_once(work)
        except (Unavailable, Uncertain):
            return await self.run_once(work)

    async def transact(self, work: Work[T]) -> T:
        """Run `work` and commit; `work` must be idempotent, for it may be run and committed twice.

        Raises Unavailable when surely nothing was committed and Uncertain when the connection
        broke under a COMMIT.
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
        except Uncertain as error:
            if committing:
                raise
            raise Unavailable(*error.args) from error
        except Unavailable as error:
            if committing:
                raise Uncertain(*error.args) from error
            raise

    async def run_once(self, work: Work[T], deadline_s: float | None = None) -> T:
        """Run `work` once, in `deadline_s` instead of the usual time. Raises as `run` does."""
        connection = await self._acquired()
        # The deadline closes the connection instead of asking the server to cancel: a cancelled
        # COMMIT would stop waiting for the standby and be visible without being safe.
        deadline = asyncio.get_running_loop().call_later(
            deadline_s or self._command_timeout_s, _abandon, connection
        )
        try:
            return await work(connection)
        except BROKEN as error:
            _abandon(connection)
            await self._pool.expire_connections()
            raise Uncertain(f"the connection to the database broke ({_brief(error)})") from error
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
            raise Unavailable(f"the database does not answer ({_brief(error)})") from error

    async def _new_pool(self) -> Any:
        return await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._size,
            timeout=self._connect_timeout_s,
            reset=_nothing,
            target_session_attrs="primary",
            server_settings={
                "application_name": "shop",
                "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
            },
        )


def _abandon(connection: Connection) -> None:
    """Close it now, without a word to the server."""
    with suppress(asyncpg.InterfaceError):  # asyncpg has taken a broken one back already
        connection.terminate()


async def _nothing(connection: Connection) -> None:
    """No session state is ever set, so there is nothing to reset: one round trip less."""


def _brief(error: BaseException) -> str:
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
