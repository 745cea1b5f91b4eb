"""The application load balancer: a node in every zone, and the targets that all of them route to.

Knows ids, addresses and zones; knows not when an instance lives or dies, nor how a request is
routed.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import ZONES, require_free
from statedrill.cluster.routing.load_balancer_node import (
    LoadBalancerNode,
    Registration,
    Routing,
)
from statedrill.cluster.routing.name_record import NameRecord
from statedrill.cluster.waiting import wait_until
from statedrill.errors import ClusterError
from statedrill.processes.parallel import in_parallel
from statedrill.processes.process import Process

_NUMBER = 80  # of its addresses, in each zone and in the region
_POLL_S = 0.05
_WORST_FIRST = ("unhealthy", "initial", "healthy")


class LoadBalancer:
    """Routes to registered targets as `routing` says: round robin, or by cookie AWSALB.

    Every node sends requests to the targets of all zones (cross-zone load balancing) and checks
    their health by itself. The user of a dead target gets 503 until its node finds it unhealthy,
    then a new target and a new cookie, and keeps them. When every target is unhealthy all of them
    get requests, as behind an ALB (fail-open). Unlike an ALB it closes the user's connection
    without a word when a target dies in the middle of a request that was not the first of its
    connection.

    With shards a target is a volume, as behind an ALB whose rules lead each value of a cookie to a
    target group of its own: its users get 503 while it has no instance, whatever the others do, and
    are home again when it has a new one. Who has no cookie yet gets a shard that is healthy.

    `address` and `port` stand for its name. Clients that resolve names find the addresses of the
    nodes in `names`; a dead one stays there until `load_balancer_withdrawal_s` have passed. All
    others (a browser, curl) connect to `address` itself, and the kernel to a node that is alive.
    """

    def __init__(self, context: ClusterContext, routing: Routing) -> None:
        network = context.network
        self.address, self.port = network.regional_address(_NUMBER), network.port(8080)
        self._registered: dict[str, Registration] = {}
        self._routing = routing
        self._shards: dict[str, Registration] = {}  # every one there was
        self._zones_down: set[str] = set()
        self._lock = threading.RLock()
        self._starting = threading.Lock()  # one node at a time
        self._nodes = [
            LoadBalancerNode(
                context,
                zone,
                [
                    (network.zone_address(zone, _NUMBER), network.port(8080)),
                    (self.address, self.port),
                ],
                routing,
                on_exit=self._exited,
            )
            for zone in ZONES
        ]
        self._name = NameRecord(
            context.registry.folder / "names",
            (self.address, self.port),
            [node.address for node in self._nodes],
            context.timings.load_balancer_withdrawal_s,
        )

    @property
    def url(self) -> str:
        """Where users find the application."""
        return f"http://{self.address}:{self.port}"

    @property
    def names(self) -> Path:
        """The file that says what its name resolves to."""
        return self._name.path

    def start(self) -> None:
        """Start every node, with no target registered.

        Raises:
            ClusterError: an address is in use, or a node did not start.
        """
        require_free(self.address, self.port)
        in_parallel({node.process.name: partial(node.start, {}) for node in self._nodes})
        self._name.open()

    def close(self) -> None:
        """Start no node any more; the processes are the registry's to end."""
        self._zones_down.update(ZONES)
        self._name.close()
        for node in self._nodes:
            node.end_silence()

    def register(self, target: str, address: str, port: int, instance: str = "") -> None:
        """Let `target` take traffic; it must have answered its health check already.

        `instance` is who answers there, when that is not the target itself.
        """
        registration = Registration(address, port, instance or target)
        with self._lock:
            self._registered[target] = registration
            if self._routing.shards:
                self._shards[target] = registration
            for node in self._serving():
                with _unless_gone(node):
                    node.open_target(target, registration)

    def deregister(self, target: str, delay_s: float) -> None:
        """No new requests for `target`; waits `delay_s`, or less when none is under way."""
        with self._lock:
            if self._registered.pop(target, None) is None:
                return
            for node in self._serving():
                with _unless_gone(node):
                    node.close_target(target)
        wait_until(lambda: self._is_idle(target), delay_s, _POLL_S)

    def health(self) -> dict[str, str]:
        """State of each registered target, the worst that a node sees: `healthy`, `unhealthy` or
        `initial`.

        Raises:
            ClusterError: no node serves, or one does not answer.
        """
        with self._lock:
            registered = sorted(self._registered)
        seen = [node.health() for node in self._serving()]
        if not seen:
            raise ClusterError("no node of the load balancer is there", "see its log")
        # One may be missing when HAProxy ended in the middle of its answer.
        return {
            target: min((each.get(target, "unhealthy") for each in seen), key=_WORST_FIRST.index)
            for target in registered
        }

    def requests(self) -> dict[str, int]:
        """How many requests each registered target has got from the nodes that serve.

        Raises:
            ClusterError: a node does not answer.
        """
        with self._lock:
            registered = sorted(self._registered)
        counted = [node.requests() for node in self._serving()]
        return {target: sum(each.get(target, 0) for each in counted) for target in registered}

    def is_healthy(self) -> bool:
        """Whether every zone that is up has its node, and all nodes find every target healthy."""
        expected = [node for node in self._nodes if node.zone not in self._zones_down]
        try:
            return all(node.serves for node in expected) and all(
                state == "healthy" for state in self.health().values()
            )
        except ClusterError:
            return False

    def describe_target_health(self) -> list[dict[str, object]]:
        """Each registered target as `{"id", "state"}`."""
        return [{"id": target, "state": state} for target, state in self.health().items()]

    def nodes(self, zone: str | None = None) -> list[Process]:
        """The processes of the nodes that serve, in one zone or in all."""
        return [node.process for node in self._serving() if zone in (None, node.zone)]

    def zone_down(self, zone: str) -> None:
        """The zone's node dies, none starts there, and nobody answers at its address."""
        self._zones_down.add(zone)
        for node in self._nodes:
            if node.zone == zone:
                node.fall_silent()

    def zone_up(self, zone: str) -> None:
        """The zone's node starts again."""
        self._zones_down.discard(zone)
        self.restore()

    def restore(self) -> None:
        """Start every node that should be there and is not."""
        for node in self._nodes:
            self._bring_up(node)

    def _exited(self, node: LoadBalancerNode) -> None:
        """An exit that nobody asked for: start again with the targets registered until then."""
        self._name.set_alive(node.address, False)
        self._bring_up(node)

    def _bring_up(self, node: LoadBalancerNode) -> None:
        """Start a node unless it is there; a zone's return may come while its end is reported."""
        # A second failure has been told by the process itself; the cluster stays not whole.
        with self._starting, contextlib.suppress(ClusterError):
            if node.zone in self._zones_down:
                return
            if not node.process.alive:
                with self._lock:
                    targets = self._targets()
                node.start(targets)
                with self._lock:  # some may have come or gone meanwhile
                    for target in targets.keys() - self._registered.keys():
                        node.close_target(target)
                    for target, registration in self._registered.items():
                        node.open_target(target, registration)
            self._name.set_alive(node.address, True)

    def _targets(self) -> dict[str, Registration]:
        """What a new node knows: its rule for a shard is there also while nobody has the volume."""
        without_instance = {shard: last.closed() for shard, last in self._shards.items()}
        return {**without_instance, **self._registered}

    def _serving(self) -> list[LoadBalancerNode]:
        return [node for node in self._nodes if node.serves]

    def _is_idle(self, target: str) -> bool:
        idle = True
        for node in self._serving():
            with _unless_gone(node):
                idle = idle and node.is_idle(target)
        return idle


@contextlib.contextmanager
def _unless_gone(node: LoadBalancerNode) -> Iterator[None]:
    """Let go of an error of a node that died meanwhile: it starts again as it should be."""
    try:
        yield
    except ClusterError:
        if node.serves:
            raise
