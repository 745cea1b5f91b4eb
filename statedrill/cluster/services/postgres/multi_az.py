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
from functools import partial
from typing import Any

from typing_extensions import override

from statedrill.cluster.binaries import first_line
from statedrill.cluster.services.base import NodeStatus, Requirement, ServiceContext
from statedrill.cluster.services.failover_decisions import Delays
from statedrill.cluster.services.postgres import data_directory
from statedrill.cluster.services.postgres.backed_up_database import BackedUpDatabase
from statedrill.cluster.services.postgres.client import PostgresConnection, PostgresError, answers
from statedrill.cluster.services.postgres.connection_storm import ConnectionStorm
from statedrill.cluster.services.postgres.node import PostgresNode
from statedrill.cluster.services.postgres.programs import postgres_bin
from statedrill.cluster.services.postgres.read_replicas import ReadReplicas
from statedrill.cluster.services.postgres.stream import (
    AppliedPositions,
    StreamPositions,
    use_up_segments,
)
from statedrill.cluster.services.postgres.volume import LimitedVolume
from statedrill.cluster.waiting import wait_until
from statedrill.errors import ClusterError
from statedrill.inputs.services import DatabaseOptions

_JOIN_S = 20.0
_MISSING_S = 2.0


class MultiAzDatabase(BackedUpDatabase):
    """One database and the role that owns it, without password, behind a fixed address."""

    kind, key, options = "rds", "database", DatabaseOptions
    requires = (
        Requirement("PostgreSQL", lambda: first_line(str(postgres_bin() / "postgres"), "-V")),
    )
    standby_role = "standby"
    keeps_data = True

    def __init__(self, context: ServiceContext, options: DatabaseOptions) -> None:
        timings = context.cluster.timings
        delays = Delays(
            timings.database_failover_s,
            timings.database_standby_rebuild_s,
            timings.database_detection_s,
        )
        super().__init__(context, options, delays)
        self._replicas = ReadReplicas(
            context, self._root, options, lambda: (self._primary, self._standby)
        )
        self._seen_at_s = 0.0
        self._positions, self._applied = StreamPositions(), AppliedPositions()
        self._full: list[LimitedVolume] = []
        self._out_of_space: Callable[[], str] = str
        self._storm: ConnectionStorm | None = None

    @override
    def environment(self, zone: str) -> Mapping[str, str]:
        host, port = self._address(zone, self.key)
        name, user = self._names.name, self._names.user
        known = {"DATABASE_URL": f"postgresql://{user}@{host}:{port}/{name}"}
        if self._names.replicas:
            known["DATABASE_READER_URL"] = self._replicas.url(zone)
        return known

    @override
    def start(self) -> None:
        super().start()
        self._replicas.supervise()
        if not wait_until(self._replicas.is_healthy, _JOIN_S, give_up=lambda: self._stopping):
            raise ClusterError(
                f"the {self.key}'s read replicas did not follow within {_JOIN_S:g} s"
            )

    @override
    def nodes(self) -> list[NodeStatus]:
        """The pair, and its read replicas."""
        return [*super().nodes(), *self._replicas.nodes()]

    @override
    def is_healthy(self) -> bool:
        """Whether the pair is whole, and every read replica lives, follows and is served."""
        return super().is_healthy() and self._replicas.is_healthy()

    @override
    def restore(self, timeout_s: float | None = None) -> None:
        with self._replicas.in_a_hurry():
            super().restore(timeout_s)

    @override
    def zone_down(self, zone: str) -> None:
        super().zone_down(zone)
        self._replicas.zone_down(zone)

    @override
    def zone_cut_off(self, zone: str) -> None:
        super().zone_cut_off(zone)
        self._replicas.zone_cut_off(zone)

    @override
    def zone_up(self, zone: str) -> None:
        super().zone_up(zone)
        self._replicas.zone_up(zone)

    def reboot(self) -> tuple[str, int]:
        """Shut the primary down in good order, for the standby to take over; name, exit code.

        Raises:
            ClusterError: there is no primary that is alive.
        """
        primary = self.node("primary")
        code = primary.shut_down()
        self._wake()
        return primary.name, code

    def exhaust_connections(self) -> None:
        """Begin to take, through the endpoint, every connection that applications can have."""
        self.release_connections()
        where, names = self._endpoints.address(self.key), self._names
        self._storm = ConnectionStorm(
            lambda: PostgresConnection(where, user=names.user, database=names.name)
        )
        self._storm.start()

    def exhaustion(self) -> tuple[int, str]:
        """How many connections are held, and how the next one was refused (empty: not yet)."""
        storm = self._storm
        return (storm.held, storm.refusal) if storm else (0, "")

    def release_connections(self) -> None:
        """Hang up on all of them; idempotent."""
        if self._storm:
            self._storm.stop()
        self._storm = None

    def read_replicas(self) -> ReadReplicas:
        """Its read replicas, of which there may be none."""
        return self._replicas

    def fill_volumes(self) -> None:
        """Leave no room on the volume of either node, and have the primary notice.

        Raises:
            ClusterError: there is no primary that is alive, or a volume could not be filled.
        """
        primary = self.node("primary")
        self._out_of_space = partial(primary.out_of_space, primary.log_size())
        self._full = [node.volume for node in self._nodes.all() if node.volume]
        for volume in self._full:
            volume.fill()
        use_up_segments(primary)

    def grow_volumes(self) -> None:
        """Give every volume that was filled its room again; idempotent.

        Raises:
            ClusterError: a volume could not be given more room.
        """
        for volume in self._full:
            volume.grow()
        self._full = []

    def has_full_volumes(self) -> bool:
        """Whether volumes that were filled were not given room again."""
        return bool(self._full)

    def out_of_space(self) -> str:
        """What the primary whose volume was filled last wrote about it; empty: nothing."""
        return self._out_of_space()

    @override
    def sample(self) -> Mapping[str, Any]:
        primary, standby = self._primary, self._standby
        positions = self._positions.of(primary, standby) if primary and standby else None
        if not (primary and standby and positions):
            return {}
        written, applied = positions
        seen: dict[str, Any] = {"node": primary.name, "replica": standby.name}
        if replicas := self._applied.of(self._replicas.living()):
            seen["read_replicas"] = replicas
        return {**seen, "written": written, "applied": applied}

    @override
    def stop(self) -> None:
        self.release_connections()
        self._replicas.stop()
        super().stop()
        self._positions.close()
        self._applied.close()
        data_directory.release_root(self._root)

    @override
    def _make(self, number: int, zone: str) -> PostgresNode:
        settings = self._backups.settings() if self._backups else ""
        return PostgresNode(self._context, number, zone, self._root, self._names, settings=settings)

    @override
    def _create(self, primary: PostgresNode, standby: PostgresNode) -> None:
        def start_node(node: PostgresNode) -> None:
            node.create(
                None if node is primary else self._nodes.found_at(self._edges, primary, standby)
            )
            self._nodes.launch(node)

        data_directory.template(self._names)  # not twice at once
        pair = (partial(start_node, primary), partial(start_node, standby))
        starts = [*pair, *self._replicas.starts(standby)]
        with ThreadPoolExecutor(len(starts)) as pool:
            list(pool.map(lambda start: start(), starts))
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
    def _watch(self, primary: PostgresNode, standby: PostgresNode) -> None:
        """A standby that lives but does not stream would hold up every commit: end it.

        Only the primary's word counts: a primary too busy to answer says nothing against it.
        """
        if self._is_missing(primary, standby):
            if time.monotonic() - self._seen_at_s > _MISSING_S:
                standby.kill()
        else:
            self._seen_at_s = time.monotonic()
            super()._watch(primary, standby)

    def _is_missing(self, primary: PostgresNode, standby: PostgresNode) -> bool:
        try:
            return _replication(primary, standby)[0] != "streaming"
        except (OSError, PostgresError):
            return False

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
        self._seen_at_s = time.monotonic()


def _replication(
    session: PostgresConnection | PostgresNode, standby: PostgresNode
) -> tuple[str, str]:
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
