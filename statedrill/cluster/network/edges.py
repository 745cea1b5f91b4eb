"""The edges of a cluster: every way of its network that a fault may break.

There is an edge from each zone to each service; and where faults need them, from the load balancer
to each instance and from each node of a service to its primary. A zone whose network is slow or cut
impairs the edges that cross its border, whatever moves meanwhile. Knows addresses and zones; knows
no service.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

from statedrill.cluster.network.addresses import ZONES, Network
from statedrill.cluster.network.edge import Address, Edge
from statedrill.cluster.network.hop_process import HopProcess
from statedrill.cluster.network.impairments import (
    NONE,
    Ends,
    Impairment,
    crosses,
    impairment_of,
    in_words,
)
from statedrill.processes.registry import ProcessRegistry

_OTHER_PORT = 10_000
"""What listens beside a server, on its own address, has its port and so much more."""


class Edges:
    """Every edge of one cluster.

    `latency_s` each way puts a hop on the edges from zones to services; None leaves them direct.
    `to_instances` and `between_nodes` say whether those edges have a hop. `zone_of` knows the zone
    that a service is served from now, None for a service of the region. A hop that died is started
    again by `restore`; until then nothing passes.
    """

    def __init__(  # noqa: PLR0913 - what has a hop, each by its name
        self,
        registry: ProcessRegistry,
        network: Network,
        latency_s: float | None = None,
        *,
        to_instances: bool = False,
        between_nodes: bool = False,
        zone_of: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._network, self._latency_s, self._zone_of = network, latency_s, zone_of
        self._to_instances, self._between_nodes = to_instances, between_nodes
        wanted = latency_s is not None or to_instances or between_nodes
        self._hop = HopProcess(registry) if wanted else None
        self._edges: dict[str, Edge] = {}
        self._zones: dict[str, Impairment] = {}
        self._single: dict[str, Impairment] = {}
        self._lock = threading.Lock()  # of what is known here; never held while the hop is asked
        self._changing = threading.RLock()  # one change of the hop at a time

    def announce(self, service: str, target: Address, host_number: int, hello: bytes = b"") -> None:
        """Have an edge from each zone to `target`; its address ends in `host_number`.

        `hello` is what `Edge` says to the service to measure a round trip.
        """
        hop = self._hop if self._latency_s is not None else None
        for zone in ZONES:
            address = target
            if hop:
                host = self._network.zone_address(zone, host_number)
                address = (host, self._network.port(target[1]))
            self._edges[f"{zone}/{service}"] = Edge(
                f"{zone}/{service}",
                partial(self._ends, zone, service),
                address,
                target,
                hop,
                latency_s=self._latency_s or 0.0,
                hello=hello,
            )

    def edge(self, zone: str, service: str) -> Edge:
        """The way from `zone` to `service`."""
        return self._edges[f"{zone}/{service}"]

    def all(self, zone: str | None = None) -> Sequence[Edge]:
        """Every edge whose ends are there, those that begin in one zone or all."""
        with self._lock:
            known = list(self._edges.values())
        return [edge for edge in known if edge.is_needed() and zone in (None, edge.ends()[0])]

    def across(self, zone: str) -> Sequence[Edge]:
        """The edges with a hop between `zone` and what lies outside of it, as things are now."""
        return [e for e in self.all() if not e.is_direct and crosses(e.ends(), zone)]

    def to_instance(
        self, name: str, zone: str, target: Address, is_needed: Callable[[], bool]
    ) -> Address:
        """Where the load balancer finds the instance `name` from now on."""
        if not self._to_instances:
            return target
        return self._connected(f"balancer/{name}", (None, zone), target[0], target, 0.0, is_needed)

    def to_primary(
        self, name: str, ends: Ends, host: str, target: Address, is_needed: Callable[[], bool]
    ) -> Address:
        """Where a node finds its primary from now on; `name` is that of both, `host` its own."""
        if not self._between_nodes:
            return target
        return self._connected(name, ends, host, target, self._latency_s or 0.0, is_needed)

    def to_server(
        self, zone: str, name: str, server_zone: str, target: Address, is_needed: Callable[[], bool]
    ) -> Address:
        """Where `zone` finds the server `name` from now on, which has no endpoint before it."""
        if self._latency_s is None:
            return target
        key, ends = f"{zone}/{name}", (zone, server_zone)
        with self._lock:
            known = self._edges.get(key)
            host = known.address[0] if known else self._network.zone_address(zone)
            return self._connected(key, ends, host, target, self._latency_s, is_needed)

    def between_nodes(self, name: str) -> Sequence[Edge]:
        """The edges with a hop from nodes named `<name>-<number>` to their primary."""
        return [e for e in self.all() if not e.is_direct and e.name.startswith(f"{name}-")]

    def impair_zone(self, zone: str, impairment: Impairment) -> None:
        """Impair every edge that crosses the border of `zone`, now and later; NONE ends that."""
        with self._lock:
            self._zones[zone] = impairment
            if impairment == NONE:
                del self._zones[zone]
        self.reconsider()

    def impair(self, edge: Edge, impairment: Impairment) -> None:
        """Impair one edge, whatever its zones are; NONE ends that."""
        with self._lock:
            self._single[edge.name] = impairment
            if impairment == NONE:
                del self._single[edge.name]
        self.reconsider()

    def reconsider(self) -> None:
        """A service is served from another zone: other edges may cross an impaired border."""
        with self._changing:
            if self._hop is None or not self._hop.process.alive:
                return
            for edge in self.all():
                if not edge.is_direct:
                    edge.impair(self._wanted(edge))

    def is_cut_off(self, zone: str) -> bool:
        """Whether nothing enters or leaves `zone` now."""
        with self._lock:
            return self._zones.get(zone, NONE).cut

    def impaired_zones(self) -> dict[str, Impairment]:
        """What is wrong with the borders of zones now."""
        with self._lock:
            return dict(self._zones)

    def start(self) -> None:
        """Start the hop and open every edge; nothing when they are direct.

        Raises:
            ClusterError: the hop did not start, or an address is in use.
        """
        if self._hop is None:
            return
        self._hop.start()
        for edge in self.all():
            if not edge.is_direct:
                edge.open()

    def zone_down(self, zone: str) -> None:
        """The zone is dead: so is what is on its wires."""
        if self._hop and self._hop.process.alive:
            for edge in self.all():
                if not edge.is_direct and zone in edge.ends():
                    edge.reset()

    def missing(self) -> list[str]:
        """What is wrong with the network, in words; empty when nothing is."""
        gone = [] if self._hop is None or self._hop.process.alive else ["edges"]
        return gone + in_words(self.impaired_zones())

    def is_healthy(self) -> bool:
        """Whether the hop is there, where there must be one, and no zone is impaired."""
        return not self.missing()

    def restore(self) -> None:
        """Bring the hop back, and every edge to how it was at the start.

        Raises:
            ClusterError: as `start`.
        """
        if self._hop is None:
            return
        with self._changing:
            with self._lock:
                self._zones.clear()
                self._single.clear()
            if not self._hop.process.alive:
                self.start()
                return
            for edge in self.all():
                if not edge.is_direct:
                    edge.restore()

    def stop(self) -> None:
        """End the hop at once; idempotent."""
        if self._hop:
            self._hop.stop()

    def _ends(self, zone: str, service: str) -> Ends:
        return zone, self._zone_of(service)

    def _wanted(self, edge: Edge) -> Impairment:
        ends = edge.ends()
        with self._lock:
            alone = self._single.get(edge.name, NONE)
            return impairment_of(ends, self._zones).and_also(alone)

    def _connected(  # noqa: PLR0913, PLR0917 - an edge is that much
        self,
        name: str,
        ends: Ends,
        host: str,
        target: Address,
        latency_s: float,
        is_needed: Callable[[], bool],
    ) -> Address:
        """The address of an edge that is opened now, or that is open to the same target."""
        with self._changing:
            self._close_unneeded()
            with self._lock:
                known = self._edges.get(name)
            if known and known.target == target:
                return known.address
            address = host, self._network.port(target[1] + _OTHER_PORT)
            edge = Edge(
                name,
                lambda: ends,
                address,
                target,
                self._hop,
                latency_s=latency_s,
                is_needed=is_needed,
            )
            edge.open()
            with self._lock:
                self._edges[name] = edge
            edge.impair(self._wanted(edge))
            return address

    def _close_unneeded(self) -> None:
        with self._lock:
            known = list(self._edges.values())
        for gone in [each for each in known if not each.is_needed()]:
            with self._lock:
                del self._edges[gone.name]
            gone.close()
