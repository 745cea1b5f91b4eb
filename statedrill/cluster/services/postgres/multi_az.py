"""RDS Multi-AZ: a PostgreSQL primary and a synchronous standby in another zone.

What was acknowledged while the pair was whole survives the loss of either node. What was
acknowledged while there was no standby lives in the primary's data folder only: when that node
dies the service is out until its zone can start it again, and then everything is there. Knows
PostgreSQL's replication; knows neither the application nor its tables.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from typing_extensions import override

from statedrill.cluster.binaries import first_line
from statedrill.cluster.routing.endpoints import Endpoint
from statedrill.cluster.services.base import Requirement, ServiceContext
from statedrill.cluster.services.failover_decisions import Delays
from statedrill.cluster.services.failover_pair import FailoverPair
from statedrill.cluster.services.postgres import data_directory
from statedrill.cluster.services.postgres.client import PostgresConnection, PostgresError
from statedrill.cluster.services.postgres.node import PostgresNode, answers
from statedrill.cluster.services.postgres.programs import postgres_bin
from statedrill.cluster.services.postgres.stream import StreamPositions
from statedrill.cluster.waiting import wait_until
from statedrill.inputs.services import DatabaseOptions

_JOIN_S = 20.0
_LOOK_S = 0.25
_MISSING_S = 2.0


class MultiAzDatabase(FailoverPair[PostgresNode]):
    """One database and the role that owns it, without password, behind a fixed address."""

    kind, key, options = "rds", "database", DatabaseOptions
    requires = (
        Requirement("PostgreSQL", lambda: first_line(str(postgres_bin() / "postgres"), "-V")),
    )
    standby_role = "standby"
    keeps_data = True

    def __init__(self, context: ServiceContext, options: DatabaseOptions) -> None:
        timings = context.cluster.timings
        delays = Delays(timings.database_failover_s, timings.database_standby_rebuild_s)
        super().__init__(context, Endpoint(self.key, 54, 5432), delays)
        self._names = options
        self._root = data_directory.data_root(context.cluster.registry.folder)
        self._observer: PostgresConnection | None = None
        self._seen_at_s = 0.0
        self._positions = StreamPositions()

    @override
    def environment(self, zone: str) -> Mapping[str, str]:
        host, port = self._address(zone, self.key)
        name, user = self._names.name, self._names.user
        return {"DATABASE_URL": f"postgresql://{user}@{host}:{port}/{name}"}

    @override
    def sample(self) -> Mapping[str, Any]:
        primary, standby = self._primary, self._standby
        positions = self._positions.of(primary, standby) if primary and standby else None
        if not (primary and standby and positions):
            return {}
        written, applied = positions
        return {"node": primary.name, "replica": standby.name, "written": written,
                "applied": applied}  # fmt: skip

    @override
    def stop(self) -> None:
        super().stop()
        self._positions.close()
        self._forget_observer()
        data_directory.release_root(self._root)

    @override
    def _make(self, number: int, zone: str) -> PostgresNode:
        return PostgresNode(self._context, number, zone, self._root, self._names)

    @override
    def _create(self, primary: PostgresNode, standby: PostgresNode) -> None:
        def start_node(node: PostgresNode) -> None:
            node.create(
                None if node is primary else self._nodes.found_at(self._edges, primary, standby)
            )
            self._nodes.launch(node)

        data_directory.template(self._names)  # not twice at once
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(start_node, (primary, standby)))
        self._join(primary, standby)

    @override
    def _answers(self) -> bool:
        return answers(self._endpoints.address(self.key), self._names.user, self._names.name)

    @override
    def _add_standby(self, primary: PostgresNode, standby: PostgresNode) -> None:
        self._nodes.require_up(standby)
        standby.back_up(primary, self._nodes.found_at(self._edges, primary, standby))
        self._nodes.launch(standby)
        self._join(primary, standby)

    @override
    def _watch(self, primary: PostgresNode, standby: PostgresNode) -> float:
        """A standby that lives but does not stream would hold up every commit: end it.

        Only the primary's word counts: a primary too busy to answer says nothing against it.
        """
        if self._is_missing(primary, standby):
            if time.monotonic() - self._seen_at_s > _MISSING_S:
                standby.kill()
        else:
            self._seen_at_s = time.monotonic()
        return _LOOK_S

    def _is_missing(self, primary: PostgresNode, standby: PostgresNode) -> bool:
        try:
            if self._observer is None:
                self._observer = primary.session(timeout_s=1.0)
            return _replication(self._observer, standby)[0] != "streaming"
        except (OSError, PostgresError):
            self._forget_observer()
            return False

    def _forget_observer(self) -> None:
        if self._observer:
            self._observer.close()
        self._observer = None

    def _join(self, primary: PostgresNode, standby: PostgresNode) -> None:
        """Make `standby` the synchronous standby; returns when it has every acknowledged row.

        Raises:
            ClusterError: it did not catch up in time, or a node died.
        """

        def wait(condition: Callable[[], bool]) -> None:
            if not wait_until(condition, _JOIN_S, give_up=lambda: not standby.alive):
                late = f"did not join its primary within {_JOIN_S:g} s"
                raise standby.failed(late if standby.alive else "died while joining its primary")

        try:
            with primary.session(timeout_s=10.0) as session:
                wait(lambda: _replication(session, standby)[0] == "streaming")
                primary.set_synchronous_standby(standby)
                wait(lambda: _replication(session, standby)[1] == "sync")
                # The checkpointer is what tells commits to wait. It reads its settings between
                # two checkpoints: after two of them no commit is acknowledged without the
                # standby, and what was acknowledged before lies behind the position asked now.
                session.query("CHECKPOINT")
                session.query("CHECKPOINT")
                position = session.query("SELECT pg_current_wal_insert_lsn()")[0][0]
                wait(lambda: _has_flushed(session, standby, str(position)))
        except (OSError, PostgresError) as error:
            raise primary.failed(f"broke off while its standby joined: {error}") from error
        self._forget_observer()
        self._seen_at_s = time.monotonic()


def _replication(session: PostgresConnection, standby: PostgresNode) -> tuple[str, str]:
    """State and synchronous state of the standby, as its primary sees them."""
    rows = session.query(
        "SELECT state, sync_state FROM pg_stat_replication"
        f" WHERE application_name = '{standby.name}'"
    )
    return (str(rows[0][0]), str(rows[0][1])) if rows else ("absent", "absent")


def _has_flushed(session: PostgresConnection, standby: PostgresNode, position: str) -> bool:
    rows = session.query(
        f"SELECT flush_lsn >= '{position}' FROM pg_stat_replication"
        f" WHERE application_name = '{standby.name}'"
    )
    return rows == [("t",)]
