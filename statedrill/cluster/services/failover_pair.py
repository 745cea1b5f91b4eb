"""A managed service of two nodes: a primary, a second node that follows it, and their failover.

One thread looks at what is and does the next step: no step depends on having seen an event, so
none can be missed. Knows zones, delays and the order of steps; knows neither SQL nor Valkey.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import ZONES
from statedrill.cluster.routing.endpoints import Endpoints
from statedrill.cluster.services.node import Node
from statedrill.errors import ClusterError

NodeT = TypeVar("NodeT", bound=Node)

_IDLE_S = 3600.0
_RETRY_S = 0.5


@dataclass(frozen=True)
class Delays:
    """How long the service takes, in seconds: from death to promotion, from loss to a new one."""

    failover_s: float
    rebuild_s: float


class FailoverPair(ABC, Generic[NodeT]):
    """Keeps a primary and a second node in two zones, behind the endpoint of `service`."""

    standby_role = "replica"

    def __init__(
        self, service: str, context: ClusterContext, endpoints: Endpoints, delays: Delays
    ) -> None:
        self._service, self._context = service, context
        self._endpoints, self._delays = endpoints, delays
        self._changed = threading.Condition(threading.RLock())
        self._wake_up = self._stopping = self._skip_rebuild_delay = False
        self._up_since_s = dict.fromkeys(ZONES, 0.0)  # a zone that is down is missing
        self._numbers = itertools.count(1)
        self._nodes: list[NodeT] = []
        self._primary: NodeT | None = None
        self._standby: NodeT | None = None  # only when complete: it can take over
        self._standby_lost_at_s, self._standby_lost_zone = 0.0, ZONES[1]
        self._last_error = ""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start both nodes and point the endpoint; returns when the service answers through it.

        Raises:
            ClusterError: a node did not start, or the endpoint does not lead to it.
        """
        self._primary, self._standby = self._create_node(ZONES[0]), self._create_node(ZONES[1])
        self._create(self._primary, self._standby)
        self._endpoints.point(self._service, *self._primary.address)
        if not self._answers():
            raise self._primary.failed("does not answer through its endpoint")
        self._thread = threading.Thread(target=self._loop, name=self._service, daemon=True)
        self._thread.start()

    def nodes(self) -> list[tuple[str, str, str, bool]]:
        """Name, zone, role and whether it is alive, of the primary and of the other."""
        pair = ((self._primary, "primary"), (self._standby, self.standby_role))
        return [(n.name, n.zone, role, n.alive) for n, role in pair if n]

    def zone_down(self, zone: str) -> None:
        """Everything in `zone` dies at once, and nothing starts there until `zone_up`."""
        with self._changed:
            self._up_since_s.pop(zone, None)
            struck = [node for node in self._nodes if node.zone == zone]
        _end(struck)
        self._wake()

    def zone_up(self, zone: str) -> None:
        """`zone` can be used again."""
        with self._changed:
            self._up_since_s.setdefault(zone, time.monotonic())
        self._wake()

    def failover(self) -> tuple[str, int]:
        """Kill the primary, as a reboot with failover does; its name and its process id.

        Raises:
            ClusterError: there is no primary that could be killed.
        """
        primary = self._primary
        if primary is None or not primary.alive:
            raise ClusterError(
                f"the {self._service} has no primary that is alive", "wait until it has one again"
            )
        _end([primary])
        self._wake()
        return primary.name, primary.pid

    def is_healthy(self) -> bool:
        """Whether both nodes live, the standby can take over, and the endpoint leads."""
        primary, standby = self._primary, self._standby
        return bool(
            primary
            and standby
            and primary.alive
            and standby.alive
            and self._endpoints.target(self._service) == primary.address
        )

    def restore(self, timeout_s: float | None = None) -> None:
        """Bring every zone and every node back, without the delay of a rebuild; returns then.

        Raises:
            ClusterError: not whole after `timeout_s` (default: failover and half a minute).
        """
        limit_s = timeout_s or self._delays.failover_s + 30.0
        deadline = time.monotonic() + limit_s
        self._skip_rebuild_delay = True
        try:
            for zone in ZONES:
                self.zone_up(zone)
            while not self.is_healthy():
                if time.monotonic() > deadline or self._stopping:
                    raise ClusterError(
                        f"the {self._service} was not whole again within {limit_s:g} s",
                        self._last_error
                        or f"logs: {self._context.registry.logs}/{self._service}-*.log",
                    )
                time.sleep(0.02)
        finally:
            self._skip_rebuild_delay = False

    def stop(self) -> None:
        """End both nodes at once (their data is thrown away) and the thread; idempotent."""
        with self._changed:
            self._stopping = True
            nodes = list(self._nodes)
        self._wake()
        _end(nodes)
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()
        for node in list(self._nodes):
            self._discard(node)

    @abstractmethod
    def _make(self, number: int, zone: str) -> NodeT:
        """A node that is not started."""

    @abstractmethod
    def _create(self, primary: NodeT, standby: NodeT) -> None:
        """The first start of both, until the standby is complete."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the service answers through its endpoint."""

    @abstractmethod
    def _elect(self, dead: NodeT, standby: NodeT | None) -> NodeT | None:
        """The node that serves from now on, alone; None: there is none until a zone returns."""

    @abstractmethod
    def _add_standby(self, primary: NodeT, standby: NodeT) -> None:
        """Start a new standby node and return when it is complete."""

    @abstractmethod
    def _release_standby(self, primary: NodeT) -> None:
        """The standby node is dead: the primary must not wait for it."""

    def _watch(self, primary: NodeT, standby: NodeT) -> float:
        """Look after a whole pair; seconds until the next look."""
        return _IDLE_S

    def _loop(self) -> None:
        while not self._stopping:
            try:
                pause_s = self._step(time.monotonic())
                self._last_error = ""
            except Exception as error:  # supervision must outlive every failure of a step
                self._last_error, pause_s = str(error) or repr(error), _RETRY_S
            with self._changed:
                self._changed.wait_for(lambda: self._wake_up or self._stopping, pause_s)
                self._wake_up = False

    def _step(self, now_s: float) -> float:
        """Do what is due; seconds until the next step, unless something happens."""
        primary, standby = self._primary, self._standby
        assert primary is not None
        if not primary.alive:
            return self._fail_over(primary, standby, now_s)
        if standby and not standby.alive:
            self._drop_standby(primary, standby)
            return 0.0
        if standby is None:
            return self._rebuild(primary, now_s)
        return self._watch(primary, standby)

    def _fail_over(self, dead: NodeT, standby: NodeT | None, now_s: float) -> float:
        with contextlib.suppress(ClusterError):  # no HAProxy, no connection
            self._endpoints.disconnect(self._service)
        if (wait_s := dead.died_at_s + self._delays.failover_s - now_s) > 0:
            return wait_s
        successor = self._elect(dead, standby)
        if successor is None:
            return _IDLE_S
        # The successor may acknowledge writes from here on: it is the primary before it is visible.
        self._primary, self._standby = successor, None
        self._standby_lost_at_s = time.monotonic()
        self._standby_lost_zone = dead.zone if successor is not dead else (standby or dead).zone
        self._endpoints.point(self._service, *successor.address)
        if successor is not dead:
            self._context.registry.emit(
                "failover", service=self._service, **{"from": dead.name, "to": successor.name}
            )
        for node in [node for node in self._nodes if node is not successor]:
            self._discard(node)
        return 0.0

    def _drop_standby(self, primary: NodeT, standby: NodeT) -> None:
        self._release_standby(primary)
        self._standby_lost_at_s, self._standby_lost_zone = standby.died_at_s, standby.zone
        self._standby = None
        self._discard(standby)

    def _rebuild(self, primary: NodeT, now_s: float) -> float:
        with self._changed:
            zones = {z: up_s for z, up_s in self._up_since_s.items() if z != primary.zone}
        if not zones:
            return _IDLE_S
        zone = self._standby_lost_zone if self._standby_lost_zone in zones else min(zones)
        due_s = max(self._standby_lost_at_s, zones[zone]) + self._delays.rebuild_s
        if due_s > now_s and not self._skip_rebuild_delay:
            return due_s - now_s
        standby = self._create_node(zone)
        try:
            self._add_standby(primary, standby)
        except BaseException:
            self._release_standby(primary)
            self._discard(standby)
            raise
        self._standby = standby
        return 0.0

    def _create_node(self, zone: str) -> NodeT:
        """A new node, known from now on to whoever takes its zone down."""
        node = self._make(next(self._numbers), zone)
        node.on_death(self._wake)
        with self._changed:
            self._nodes.append(node)
        return node

    def _launch(self, node: NodeT) -> None:
        """Start a node, unless its zone is down or goes down meanwhile.

        Raises:
            ClusterError: it did not start, or its zone is down.
        """
        self._require_up(node)
        node.start()
        try:
            self._require_up(node)
        except ClusterError:
            _end([node])
            raise

    def _zone_is_up(self, zone: str) -> bool:
        return zone in self._up_since_s

    def _require_up(self, node: NodeT) -> None:
        if self._stopping or not self._zone_is_up(node.zone):
            raise ClusterError(f"{node.name} is not started: zone {node.zone} is down")

    def _discard(self, node: NodeT) -> None:
        """End a node for ever and throw its data away."""
        _end([node])
        with self._changed:
            if node in self._nodes:
                self._nodes.remove(node)
        node.discard()

    def _wake(self) -> None:
        with self._changed:
            self._wake_up = True
            self._changed.notify_all()


def _end(nodes: Sequence[Node]) -> None:
    """SIGKILL all of them, then wait for all of them."""
    for node in nodes:
        node.kill()
    for node in nodes:
        node.wait_gone()
