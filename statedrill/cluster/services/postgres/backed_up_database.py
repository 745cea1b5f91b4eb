"""What can be done with the backups of a PostgreSQL: made, and restored to a point in time.

A database may have none; then nothing here is done. Knows what destroys data, which only a backup
survives; knows neither how a pair fails over nor the tables of an application.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from typing_extensions import override

from statedrill.cluster.routing.endpoints import Endpoint
from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.failover_decisions import Delays
from statedrill.cluster.services.postgres import data_directory
from statedrill.cluster.services.postgres.backups import DatabaseBackups
from statedrill.cluster.services.postgres.client import PostgresError
from statedrill.cluster.services.postgres.node import PostgresNode
from statedrill.cluster.services.restorable_pair import RestorablePair, RestorePoint
from statedrill.cluster.waiting import wait_until
from statedrill.inputs.services import DatabaseOptions

_REPLAY_S = 60.0
_WIPE_S = 20.0


class Wiped(NamedTuple):
    """What a table lost: its rows before and after, counted in the transaction that wiped it."""

    rows_before: int
    rows_after: int


class BackedUpDatabase(RestorablePair[PostgresNode]):
    """A pair of PostgreSQL nodes in `root`, with backups there where `options` want them."""

    def __init__(self, context: ServiceContext, options: DatabaseOptions, delays: Delays) -> None:
        super().__init__(context, Endpoint(self.key, 54, 5432), delays)
        timings, registry = context.cluster.timings, context.cluster.registry
        self._names = options
        self._root = data_directory.data_root(registry.folder)
        self.restore_delay_s = timings.database_restore_s
        self.backup_interval_s = timings.database_log_backup_s
        self._serves = False
        self._backups: DatabaseBackups | None = None
        if options.backups:
            folder = self._root / "database-backups"
            self._backups = DatabaseBackups(folder, self.key, self.backup_interval_s, registry)

    @override
    def start(self) -> None:
        if self._backups:
            self._backups.create()
        super().start()

    @override
    def cluster_is_ready(self) -> None:
        """The base backup takes time, and nobody waits for it: it begins now."""
        self._serves = True
        self._wake()

    def has_backup(self) -> bool:
        """Whether there is a base backup, so that it can be restored."""
        return bool(self._backups and self._backups.base)

    def restore_point(self) -> RestorePoint:
        """What the database holds now, for `order_restore`.

        Raises:
            ClusterError: there is no primary that answers.
        """
        primary, now_ns = self.node("primary"), time.monotonic_ns()
        try:
            with primary.session() as session:
                [(position,)] = session.query("SELECT pg_current_wal_insert_lsn()")
        except (OSError, PostgresError) as error:
            raise primary.failed(f"does not say how far its log is: {error}") from error
        assert position
        return RestorePoint(now_ns, position)

    def wipe(self, table: str) -> Wiped:
        """Remove every row of a table, as a deployment that goes wrong does.

        Raises:
            ClusterError: there is no primary that answers, or no such table.
        """
        primary = self.node("primary")
        quoted = table.replace('"', '""')
        try:
            with primary.session(timeout_s=_WIPE_S) as session:
                before, after = session.query(
                    f'BEGIN; LOCK TABLE "{quoted}" IN ACCESS EXCLUSIVE MODE;'
                    f' SELECT count(*) FROM "{quoted}"; TRUNCATE "{quoted}";'
                    f' SELECT count(*) FROM "{quoted}"; COMMIT'
                )
        except (OSError, PostgresError) as error:
            raise primary.failed(f"could not wipe table {table}: {error}") from error
        return Wiped(int(str(before[0])), int(str(after[0])))

    def data_left(self) -> list[str]:
        """The data folders of nodes that exist."""
        return sorted(each.name for each in self._root.glob("database-[0-9]*") if each.is_dir())

    @override
    def _watch(self, primary: PostgresNode, standby: PostgresNode) -> None:
        if self._backups and self._serves and not self._backups.base:
            self._backups.take_base(primary)

    @override
    def _step(self) -> float:
        if self._backups:
            self._backups.look()
        return super()._step()

    @override
    def _reach(self, point: RestorePoint | None) -> bool:
        return bool(self._backups and self._backups.reach(point))

    @override
    def _start_restored(self, node: PostgresNode, point: RestorePoint | None) -> RestorePoint:
        backups = self._backups
        assert backups, "a restore is due only where a backup reaches its point"
        assert backups.base, "a restore is due only where a backup reaches its point"
        node.restore(backups.base, backups.recovery(point))
        self._nodes.launch(node)
        try:
            if not wait_until(
                lambda: not _is_recovering(node), _REPLAY_S, give_up=lambda: not node.alive
            ):
                raise node.failed("did not come to the end of the log that it replays")
            return point or backups.reached(node)
        except (OSError, PostgresError) as error:
            raise node.failed(f"does not say how far it was restored: {error}") from error

    @override
    def stop(self) -> None:
        super().stop()
        if self._backups:
            self._backups.delete()


def _is_recovering(node: PostgresNode) -> bool:
    """Whether it does not yet take writes, because it replays a log."""
    with node.session() as session:
        return session.query("SELECT pg_is_in_recovery()") != [("f",)]
