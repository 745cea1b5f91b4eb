"""The read replicas of a database: asynchronous, each in one zone, behind one reader endpoint.

They follow the standby while it is complete, else the primary: so a replica never shows what a
failover takes back, as on RDS, whose pair has the same blocks. One thread does what
`replica_decisions.decide_replica` says of each. The reader endpoint leads to those that live, in
turn; RDS gives each replica a name of its own, and a Route 53 record or the reader endpoint of
Aurora spreads over them. Knows PostgreSQL's replication; knows no application.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from statedrill.cluster.network.addresses import ZONES
from statedrill.cluster.network.edge import Address
from statedrill.cluster.routing.endpoints import Endpoint
from statedrill.cluster.services.base import NodeStatus, ServiceContext
from statedrill.cluster.services.nodes import Nodes, end
from statedrill.cluster.services.postgres import replica_decisions as to_do
from statedrill.cluster.services.postgres.client import PostgresError
from statedrill.cluster.services.postgres.node import PostgresNode
from statedrill.cluster.services.postgres.replica_decisions import (
    ReplicaDelays,
    ReplicaState,
    decide_replica,
)
from statedrill.cluster.services.postgres.stream import commit_lags_s
from statedrill.errors import ClusterError
from statedrill.inputs.services import DatabaseOptions

READER = "database-reader"
ROLE = "read-replica"
_HOST_NUMBER, _PORT = 55, 5432
_LOOK_S, _RETRY_S = 0.25, 0.5
_PATIENCE_S = 10.0
_RECEIVES = "SELECT status FROM pg_stat_wal_receiver"


@dataclass
class _Place:
    """Where one replica is: its number at the reader endpoint, its zone, and what is there now."""

    number: int
    zone: str
    node: PostgresNode | None = None
    follows: PostgresNode | None = None
    lost_at_s: float = 0.0
    idle_since_s: float | None = None


class ReadReplicas:
    """As many as `names.replicas`; `pair` says who is primary and complete standby now."""

    def __init__(
        self,
        context: ServiceContext,
        root: Path,
        names: DatabaseOptions,
        pair: Callable[[], tuple[PostgresNode | None, PostgresNode | None]],
    ) -> None:
        timings = context.cluster.timings
        self._context, self._names, self._pair = context, names, pair
        self._rebuild_s = timings.database_replica_rebuild_s
        self._detection_s = timings.database_detection_s
        self._nodes: Nodes[PostgresNode] = Nodes(
            lambda number, zone: PostgresNode(
                context.cluster, number, zone, root, names, role="database-replica"
            ),
            self._wake,
        )
        # The pair begins in the first two zones.
        self._places = [_Place(n, ZONES[::-1][n % len(ZONES)]) for n in range(names.replicas)]
        if self._places:
            context.announce(Endpoint(READER, _HOST_NUMBER, _PORT, len(self._places)))
        self._changed = threading.Condition(threading.RLock())
        self._wake_up = self._stopping = self._hurry = False
        self._thread: threading.Thread | None = None
        self._settings = threading.Lock()

    def url(self, zone: str) -> str:
        """Where an instance in `zone` reads; there must be replicas."""
        host, port = self._context.address(zone, READER)
        return f"postgresql://{self._names.user}@{host}:{port}/{self._names.name}"

    def starts(self, leader: PostgresNode) -> list[Callable[[], None]]:
        """What starts each of them, empty as its `leader`; for threads of their own."""

        def start(place: _Place) -> None:
            node = self._nodes.create(place.zone)
            node.create(self._found_at(place, node, leader))
            self._nodes.launch(node)
            place.node = node

        return [partial(start, place) for place in self._places]

    def supervise(self) -> None:
        """Let the endpoint lead to them, and keep them from now on."""
        if self._places:
            self._thread = threading.Thread(target=self._loop, name=READER, daemon=True)
            self._thread.start()

    def nodes(self) -> list[NodeStatus]:
        """Each that is there."""
        return [
            NodeStatus(node.name, node.zone, ROLE, node.alive)
            for place in self._places
            if (node := place.node)
        ]

    def living(self) -> list[PostgresNode]:
        """Those that are alive."""
        return [place.node for place in self._places if place.node and place.node.alive]

    def is_healthy(self) -> bool:
        """Whether every replica lives, follows and is served."""
        return all(self._is_whole(place) for place in self._places)

    def delays_s(self) -> dict[str, float]:
        """By how much each that lives was delayed, by name."""
        return {node.name: node.apply_delay_s for node in self.living()}

    def delay(self, seconds: float) -> None:
        """Every one that lives shows each commit so many seconds after it happened."""
        with self._settings:
            for node in self.living():
                node.delay_apply(seconds)

    def lags_s(self, timeout_s: float) -> dict[str, float]:
        """How long a commit of now takes until each that lives shows it; infinity: longer.

        Raises:
            ClusterError: there is no primary that answers.
        """
        primary, _ = self._pair()
        if primary is None:
            raise ClusterError("the database has no primary", "wait for its failover")
        return commit_lags_s(primary, self.living(), timeout_s)

    @contextlib.contextmanager
    def in_a_hurry(self) -> Iterator[None]:
        """Missing replicas are built at once meanwhile."""
        self._hurry = True
        self._wake()
        try:
            yield
        finally:
            self._hurry = False

    def zone_down(self, zone: str) -> None:
        """Those in `zone` die at once, and none starts there until `zone_up`."""
        self._nodes.zone_down(zone)

    def zone_cut_off(self, zone: str) -> None:
        """Those in `zone` go on, out of everybody's reach."""
        self._nodes.close_zone(zone)

    def zone_up(self, zone: str) -> None:
        """`zone` can be used again."""
        self._nodes.zone_up(zone)

    def stop(self) -> None:
        """End all of them and throw their data away; idempotent."""
        self._stopping = True
        self._nodes.close()
        self._wake()
        if self._thread:
            self._thread.join()
        for node in self._nodes.all():
            self._nodes.discard(node)

    def _loop(self) -> None:
        while not self._stopping:
            pause_s = min((self._step(place) for place in self._places), default=_LOOK_S)
            with self._changed:
                self._changed.wait_for(lambda: self._wake_up or self._stopping, pause_s)
                self._wake_up = False

    def _step(self, place: _Place) -> float:
        """Do what is due for one; seconds until the next look, unless something happens."""
        try:
            self._look(place)
            pauses_s = [
                self._perform(action, place)
                for action in decide_replica(self._state(place), time.monotonic())
            ]
            return min(pauses_s[-1], _LOOK_S)
        except Exception:  # supervision must outlive every failure of a step
            return _RETRY_S

    def _look(self, place: _Place) -> None:
        node, is_cut_off = place.node, self._context.edges.is_cut_off(place.zone)
        if node is None:
            return
        node.look(self._detection_s, is_cut_off=is_cut_off)
        if _receives(node):
            place.idle_since_s = None
        elif place.idle_since_s is None:
            place.idle_since_s = time.monotonic()

    def _state(self, place: _Place) -> ReplicaState:
        node, leader = place.node, self._living_leader()
        # A server that shows commits late turns to another leader late, too.
        patience_s = _PATIENCE_S + (node.apply_delay_s if node else 0.0)
        return ReplicaState(
            node=node.view() if node else None,
            zone_up_since_s=self._nodes.up_since_s().get(place.zone),
            leader=leader.name if leader else None,
            follows=place.follows.name if place.follows else "",
            is_served=self._is_served(place),
            delays=ReplicaDelays(self._rebuild_s, self._detection_s, patience_s),
            lost_at_s=place.lost_at_s,
            idle_since_s=place.idle_since_s,
            hurry=self._hurry,
        )

    def _perform(self, action: to_do.ReplicaAction, place: _Place) -> float:
        """Do one step; seconds until the next."""
        node, leader = place.node, self._living_leader()
        match action:
            case to_do.WaitFor(seconds=seconds):
                return seconds
            case to_do.End() if node:
                end([node])
            case to_do.Withdraw():
                with contextlib.suppress(ClusterError):  # without HAProxy there is no connection
                    self._context.endpoints.disconnect(READER, place.number)
            case to_do.Drop() if node:
                place.node = place.follows = None
                place.lost_at_s = node.died_at_s
                self._nodes.discard(node)
            case to_do.Build() if leader:
                self._build(place, leader)
            case to_do.Follow() if node and leader:
                with self._settings:
                    node.follow(self._found_at(place, node, leader))
                place.idle_since_s = None
            case to_do.Serve() if node:
                self._context.endpoints.point(READER, *node.address, place.number)
        return 0.0

    def _build(self, place: _Place, leader: PostgresNode) -> None:
        node = self._nodes.create(place.zone)
        try:
            self._nodes.require_up(node)
            node.back_up(leader, self._found_at(place, node, leader))
            self._nodes.launch(node)
        except BaseException:
            place.follows = None
            self._nodes.discard(node)
            raise
        place.node, place.idle_since_s = node, None

    def _found_at(self, place: _Place, node: PostgresNode, leader: PostgresNode) -> Address:
        """Where `node` finds `leader`: itself, or a hop before it that can be broken."""
        place.follows = leader
        return self._context.edges.to_primary(
            f"{node.name}/{leader.name}",
            (node.zone, leader.zone),
            node.host,
            leader.address,
            lambda: place.follows is leader and node in self._nodes.all(),
        )

    def _living_leader(self) -> PostgresNode | None:
        primary, standby = self._pair()
        leader = standby or primary
        return leader if leader and leader.alive else None

    def _is_served(self, place: _Place) -> bool:
        node = place.node
        return bool(node and self._context.endpoints.target(READER, place.number) == node.address)

    def _is_whole(self, place: _Place) -> bool:
        node = place.node
        return bool(
            node
            and node.alive
            and node.silent_since_s is None
            and place.follows is self._living_leader()
            and place.idle_since_s is None
            and self._is_served(place)
        )

    def _wake(self) -> None:
        with self._changed:
            self._wake_up = True
            self._changed.notify_all()


def _receives(node: PostgresNode) -> bool:
    try:
        return node.query(_RECEIVES) == [("streaming",)]
    except (OSError, PostgresError):
        return False
