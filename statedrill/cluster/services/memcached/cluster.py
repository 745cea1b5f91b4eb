"""ElastiCache for Memcached: equal nodes over the zones, each with its share of the keys.

There is no copy of anything: what a node held is gone with it. A node that died, or is silent for
long, is replaced in its zone by an empty one under the same name; clients learn its address when
they ask the configuration endpoint the next time. Knows no application.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from typing_extensions import override

from statedrill.cluster.binaries import first_line
from statedrill.cluster.network.addresses import ZONES
from statedrill.cluster.network.edge import Address
from statedrill.cluster.services.base import NodeStatus, Requirement, Service, ServiceContext
from statedrill.cluster.services.failover_decisions import IDLE_S
from statedrill.cluster.services.memcached.configuration_endpoint import (
    ConfigurationEndpoint,
    Listed,
)
from statedrill.cluster.services.memcached.node import PORT, MemcachedNode, memcached_server
from statedrill.cluster.services.memcached.replacement import replaced_in_s
from statedrill.cluster.services.nodes import Nodes, end
from statedrill.cluster.waiting import wait_until
from statedrill.errors import ClusterError
from statedrill.inputs.services import MemcachedOptions
from statedrill.processes.parallel import in_parallel

_HOST_NUMBER = 112
_LOOK_S, _RETRY_S = 0.25, 0.5
_RESTORE_S = 30.0


class MemcachedCluster(Service):
    """Nodes with the ids 0001, 0002, …, and a configuration endpoint in each zone."""

    kind, key, options = "elasticache-memcached", "cache", MemcachedOptions
    requires = (
        Requirement(
            "memcached",
            lambda: first_line(str(memcached_server()), "--version"),
            only_for="a pattern with `cache: {engine: memcached}`",
        ),
    )

    def __init__(self, context: ServiceContext, options: MemcachedOptions) -> None:
        memcached_server()  # what is missing is said before anything starts
        cluster = context.cluster
        self._context, self._edges = cluster, context.edges
        self._delay_s = cluster.timings.cache_node_replacement_s
        self._ids = [f"{n + 1:04}" for n in range(options.nodes)]
        self._places: dict[str, MemcachedNode] = {}
        self._found: dict[str, list[Listed]] = {zone: [] for zone in ZONES}
        self._version = 0
        self._changed = threading.Condition(threading.RLock())
        self._wake_up = self._stopping = self._hurry = False
        self._nodes: Nodes[MemcachedNode] = Nodes(self._make, self._wake)
        network = cluster.network
        self._endpoints = {
            zone: ConfigurationEndpoint(
                (network.zone_address(zone, _HOST_NUMBER), network.port(PORT)),
                partial(self._listing, zone),
            )
            for zone in ZONES
        }
        self._last_error = ""
        self._thread: threading.Thread | None = None

    @override
    def environment(self, zone: str) -> Mapping[str, str]:
        host, port = self._endpoints[zone].address
        return {
            "CACHE_URL": f"memcached://{host}:{port}",
            "CACHE_DISCOVERY_S": f"{self._context.timings.cache_discovery_s:g}",
        }

    @override
    def start(self) -> None:
        """Start every node and list them.

        Raises:
            ClusterError: a node did not start, or an address is in use.
        """
        zones = {each: ZONES[n % len(ZONES)] for n, each in enumerate(self._ids)}
        self._places = {each: self._nodes.create(zone) for each, zone in zones.items()}
        in_parallel({each.name: partial(self._nodes.launch, each) for each in self._nodes.all()})
        self._list(self._places)
        try:
            for endpoint in self._endpoints.values():
                endpoint.start()
        except OSError as error:
            raise ClusterError(f"the cache's nodes cannot be listed: {error}") from error
        self._thread = threading.Thread(target=self._loop, name=self.key, daemon=True)
        self._thread.start()

    @override
    def nodes(self) -> list[NodeStatus]:
        """Every node; its role is its id, which a successor inherits."""
        return [NodeStatus(n.name, n.zone, role, n.alive) for role, n in self._places.items()]

    @override
    def is_healthy(self) -> bool:
        """Whether every node lives and answers."""
        return not self.missing()

    @override
    def missing(self) -> list[str]:
        places = self._places
        if not places:
            return [self.key]
        return [
            f"{self.key} {each}"
            for each, node in places.items()
            if not node.alive or node.silent_since_s is not None
        ]

    @override
    def zone_down(self, zone: str) -> None:
        self._nodes.zone_down(zone)

    @override
    def zone_cut_off(self, zone: str) -> None:
        self._nodes.close_zone(zone)

    @override
    def zone_up(self, zone: str) -> None:
        self._nodes.zone_up(zone)

    @override
    def restore(self) -> None:
        """Bring every zone and every node back, without the delay of a replacement.

        Raises:
            ClusterError: not whole after half a minute.
        """
        self._hurry = True
        try:
            for zone in ZONES:
                self.zone_up(zone)
            limit_s = self.restore_time_s() + _RESTORE_S
            if not wait_until(self.is_healthy, limit_s, give_up=lambda: self._stopping):
                raise ClusterError(
                    f"the {self.key} was not whole again within {limit_s:g} s: "
                    + ", ".join(self.missing()),
                    self._last_error or f"logs: {self._context.registry.logs}/{self.key}-*.log",
                )
        finally:
            self._hurry = False

    @override
    def restore_time_s(self) -> float:
        return self._delay_s  # a node that is silent is not replaced any sooner

    @override
    def stop(self) -> None:
        self._stopping = True
        for endpoint in self._endpoints.values():
            endpoint.stop()
        self._nodes.close()
        self._wake()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()
        for node in self._nodes.all():
            self._nodes.discard(node)

    def cache_node(self, node_id: str) -> MemcachedNode:
        """The node that has this id now.

        Raises:
            ClusterError: there is none, or it is dead.
        """
        node = self._places.get(node_id)
        if node is None or not node.alive:
            known = ", ".join(each for each, found in self._places.items() if found.alive)
            raise ClusterError(
                f"the {self.key} has no node {node_id} that is alive", f"there are: {known}"
            )
        return node

    def key_count(self) -> int:
        """How many items all nodes hold, those that expired and were not looked at included.

        Raises:
            ClusterError: a node does not answer.
        """
        return sum(node.counters()["items"] for node in self._alive())

    @override
    def sample(self) -> Mapping[str, Any]:
        """The lookups of all nodes together; with another node they begin anew.

        Raises:
            ClusterError: one does not answer.
        """
        alive = self._alive()
        counted = [node.counters() for node in alive]
        return {
            "node": " ".join(node.name for node in alive),
            "hits": sum(each["hits"] for each in counted),
            "misses": sum(each["misses"] for each in counted),
        }

    def flush(self) -> tuple[int, int, str]:
        """Remove every key of every node; the number of items before and after, and proof.

        Raises:
            ClusterError: a node does not answer, or a sentinel outlived the flush.
        """
        before, nodes = self.key_count(), self._alive()
        for node in nodes:
            node.flush()
        names = ", ".join(node.name for node in nodes)
        proof = (
            f"flush_all on {names}, which held {before} items: the sentinel key that was planted "
            "on each was found before it, and not after it"
        )
        return before, 0, proof

    def _alive(self) -> list[MemcachedNode]:
        return [node for node in self._places.values() if node.alive]

    def _make(self, number: int, zone: str) -> MemcachedNode:
        return MemcachedNode(self._context, number, zone)

    def _listing(self, zone: str) -> tuple[int, Sequence[Listed]]:
        return self._version, self._found[zone]

    def _list(self, places: Mapping[str, MemcachedNode]) -> None:
        """Tell clients of the nodes that have these ids from now on."""
        for zone in ZONES:
            self._found[zone] = [
                Listed(f"{self.key}.{each}", *self._address(zone, node))
                for each, node in places.items()
            ]
        self._version += 1

    def _address(self, zone: str, node: MemcachedNode) -> Address:
        return self._edges.to_server(
            zone, node.name, node.zone, node.address, lambda: node in self._nodes.all()
        )

    def _loop(self) -> None:
        while not self._stopping:
            try:
                pause_s = self._step()
                self._last_error = ""
            except Exception as error:  # supervision must outlive every failure of a step
                self._last_error, pause_s = str(error) or repr(error), _RETRY_S
            with self._changed:
                self._changed.wait_for(lambda: self._wake_up or self._stopping, pause_s)
                self._wake_up = False

    def _step(self) -> float:
        """Replace what is due; seconds until the next step, unless something happens."""
        pauses_s, up_since_s = [_LOOK_S], self._nodes.up_since_s()
        for node_id, node in self._places.items():
            node.look(self._delay_s, is_cut_off=self._edges.is_cut_off(node.zone))
            due_s = replaced_in_s(
                node.view(),
                up_since_s.get(node.zone),
                time.monotonic(),
                self._delay_s,
                hurry=self._hurry,
            )
            if due_s == 0.0:
                self._replace(node_id, node)
            elif due_s < IDLE_S:
                pauses_s.append(due_s)
        return min(pauses_s)

    def _replace(self, node_id: str, node: MemcachedNode) -> None:
        end([node])  # nothing that it still held may be found again under its name
        successor = self._nodes.create(node.zone)
        try:
            self._nodes.launch(successor)
        except ClusterError:
            self._nodes.discard(successor)
            raise
        self._nodes.discard(node)
        places = {**self._places, node_id: successor}
        self._list(places)
        self._places = places  # whoever sees the cluster whole finds the successor listed
        self._context.registry.emit(
            "failover", service=self.key, **{"from": node.name, "to": successor.name}
        )

    def _wake(self) -> None:
        with self._changed:
            self._wake_up = True
            self._changed.notify_all()
