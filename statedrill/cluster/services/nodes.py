"""The nodes of one managed service, and the zones that they may run in.

Knows how nodes are made, started and thrown away, and that nothing starts in a zone that is down;
knows nothing of primaries and replicas.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from statedrill.cluster.network.addresses import ZONES
from statedrill.cluster.network.edge import Address
from statedrill.cluster.network.edges import Edges
from statedrill.cluster.services.node import Node
from statedrill.errors import ClusterError

NodeT = TypeVar("NodeT", bound=Node)


class Nodes(Generic[NodeT]):
    """Nodes made by `make(number, zone)`, numbered from 1.

    `on_change` is called, in any thread, whenever a node dies unasked or a zone goes or returns.
    """

    def __init__(self, make: Callable[[int, str], NodeT], on_change: Callable[[], None]) -> None:
        self._make, self._on_change = make, on_change
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._up_since_s = dict.fromkeys(ZONES, 0.0)
        self._nodes: list[NodeT] = []
        self._closed = False

    def up_since_s(self) -> dict[str, float]:
        """The zones that are up, each with the monotonic time of its return."""
        with self._lock:
            return dict(self._up_since_s)

    def all(self) -> list[NodeT]:
        """Every node that was not thrown away, oldest first."""
        with self._lock:
            return list(self._nodes)

    def create(self, zone: str) -> NodeT:
        """A new node that is not started; `zone_down` ends it from now on."""
        node = self._make(next(self._numbers), zone)
        node.on_death(self._on_change)
        with self._lock:
            self._nodes.append(node)
        return node

    @contextlib.contextmanager
    def created(self, zone: str) -> Iterator[NodeT]:
        """A new node that is not started; thrown away when the block fails."""
        node = self.create(zone)
        try:
            yield node
        except BaseException:
            self.discard(node)
            raise

    def launch(self, node: NodeT) -> None:
        """Start a node, unless its zone is down or goes down meanwhile.

        Raises:
            ClusterError: it did not start, or its zone is down.
        """
        self.require_up(node)
        node.start()
        try:
            self.require_up(node)
        except ClusterError:
            end([node])
            raise

    def found_at(self, edges: Edges, primary: NodeT, follower: NodeT) -> Address:
        """Where `follower` finds `primary`: itself, or a hop before it that can be broken."""

        def both_are_kept() -> bool:
            kept = self.all()
            return primary in kept and follower in kept

        return edges.to_primary(
            f"{follower.name}/{primary.name}",
            (follower.zone, primary.zone),
            follower.host,
            primary.address,
            both_are_kept,
        )

    def require_up(self, node: NodeT) -> None:
        """Check that a node may be started now.

        Raises:
            ClusterError: its zone is down, or the service is being stopped.
        """
        if self._closed or node.zone not in self._up_since_s:
            raise ClusterError(f"{node.name} is not started: zone {node.zone} is down")

    def discard(self, node: NodeT) -> None:
        """End a node for ever and throw its data away."""
        end([node])
        with self._lock:
            if node in self._nodes:
                self._nodes.remove(node)
        node.discard()

    def zone_down(self, zone: str) -> None:
        """Every node of `zone` dies at once, and none starts there until `zone_up`."""
        with self._lock:
            self._up_since_s.pop(zone, None)
            killed = [node for node in self._nodes if node.zone == zone]
        end(killed)
        self._on_change()

    def close_zone(self, zone: str) -> None:
        """None starts in `zone` until `zone_up`; those that run there go on."""
        with self._lock:
            self._up_since_s.pop(zone, None)
        self._on_change()

    def zone_up(self, zone: str) -> None:
        """Nodes may start in `zone` again."""
        with self._lock:
            self._up_since_s.setdefault(zone, time.monotonic())
        self._on_change()

    def close(self) -> None:
        """End every node at once and refuse new starts; their data stay until `discard`."""
        with self._lock:
            self._closed = True
        end(self.all())


def end(nodes: Sequence[Node]) -> None:
    """SIGKILL all of them, then wait for all of them."""
    for node in nodes:
        node.kill()
    for node in nodes:
        node.wait_gone()
