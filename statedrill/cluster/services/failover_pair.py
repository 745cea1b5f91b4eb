"""A managed service of two nodes: a primary, a second node that follows it, and their failover.

One thread does what `failover_decisions.decide` says, again and again. Knows how each step is done
with any two nodes; knows neither SQL nor Valkey.
"""

from __future__ import annotations

import contextlib
import threading
import time
from abc import abstractmethod
from typing import Generic

from typing_extensions import override

from statedrill.cluster.network.addresses import ZONES
from statedrill.cluster.routing.endpoints import Endpoint
from statedrill.cluster.services.base import NodeStatus, Service, ServiceContext
from statedrill.cluster.services.failover_decisions import (
    Action,
    AddStandby,
    CloseEndpoint,
    Delays,
    DropStandby,
    FencePrimary,
    FenceStandby,
    PairState,
    PromoteStandby,
    ReplacePrimary,
    RestartPrimary,
    RestartStandby,
    Wait,
    Watch,
    decide,
)
from statedrill.cluster.services.node import Node
from statedrill.cluster.services.nodes import Nodes, NodeT, end
from statedrill.cluster.waiting import wait_until
from statedrill.errors import ClusterError

_RETRY_S = 0.5
_LOOK_S = 0.25
_RESTORE_TIMEOUT_S = 30.0


class FailoverPair(Service, Generic[NodeT]):
    """Keeps a primary and a second node in two zones, behind the service's endpoint."""

    standby_role = "replica"
    keeps_data = False
    """Whether a node that starts again has the data that it had."""

    def __init__(self, context: ServiceContext, endpoint: Endpoint, delays: Delays) -> None:
        self._context, self._delays = context.cluster, delays
        self._endpoints, self._edges = context.endpoints, context.edges
        self._address = context.address
        context.announce(endpoint)
        self._changed = threading.Condition(threading.RLock())
        self._wake_up = self._stopping = self._hurry = False
        self._nodes: Nodes[NodeT] = Nodes(self._make, self._wake)
        self._primary: NodeT | None = None
        self._standby: NodeT | None = None  # only when complete: it can take over
        self._standby_lost_at_s, self._standby_lost_zone, self._last_error = 0.0, ZONES[1], ""
        self._thread: threading.Thread | None = None

    @override
    def start(self) -> None:
        """Start both nodes and point the endpoint; returns when the service answers through it.

        Raises:
            ClusterError: a node did not start, or the endpoint does not lead to it.
        """
        self._primary, self._standby = self._nodes.create(ZONES[0]), self._nodes.create(ZONES[1])
        self._create(self._primary, self._standby)
        self._endpoints.point(self.key, *self._primary.address)
        if not self._answers():
            raise self._primary.failed("does not answer through its endpoint")
        self._thread = threading.Thread(target=self._loop, name=self.key, daemon=True)
        self._thread.start()

    @override
    def nodes(self) -> list[NodeStatus]:
        """The primary and, when it is complete, the other."""
        pair = ((self._primary, "primary"), (self._standby, self.standby_role))
        return [NodeStatus(n.name, n.zone, role, n.alive) for n, role in pair if n]

    @override
    def zone_down(self, zone: str) -> None:
        self._nodes.zone_down(zone)

    @override
    def zone_cut_off(self, zone: str) -> None:
        self._nodes.close_zone(zone)

    @override
    def zone_up(self, zone: str) -> None:
        self._nodes.zone_up(zone)

    def node(self, role: str) -> NodeT:
        """The node that has this role now.

        Raises:
            ClusterError: there is none, or it is dead.
        """
        node = {"primary": self._primary, self.standby_role: self._standby}.get(role)
        if node is None or not node.alive:
            raise ClusterError(
                f"the {self.key} has no {role} that is alive", "wait until it has one again"
            )
        return node

    def failover(self) -> tuple[str, int]:
        """Kill the primary; its name and process id. Raises ClusterError: there is none alive."""
        primary = self.node("primary")
        end([primary])
        self._wake()
        return primary.name, primary.pid

    @override
    def is_healthy(self) -> bool:
        """Whether both nodes live, the standby can take over, and the endpoint leads."""
        primary, standby = self._primary, self._standby
        return bool(
            primary
            and standby
            and primary.alive
            and standby.alive
            and self._endpoints.target(self.key) == primary.address
        )

    @override
    def restore(self, timeout_s: float | None = None) -> None:
        """Bring every zone and every node back, without the delay of a rebuild; returns then.

        Raises:
            ClusterError: not whole after `timeout_s` (default: `restore_time_s` and half a minute).
        """
        limit_s = timeout_s or self.restore_time_s() + _RESTORE_TIMEOUT_S
        self._hurry = True
        try:
            for zone in ZONES:
                self.zone_up(zone)
            if not wait_until(self.is_healthy, limit_s, give_up=lambda: self._stopping):
                raise ClusterError(
                    f"the {self.key} was not whole again within {limit_s:g} s",
                    self._last_error or f"logs: {self._context.registry.logs}/{self.key}-*.log",
                )
        finally:
            self._hurry = False

    @override
    def restore_time_s(self) -> float:
        return self._delays.detection_s + self._delays.failover_s

    @override
    def stop(self) -> None:
        self._stopping = True
        self._nodes.close()
        self._wake()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()
        for node in self._nodes.all():
            self._nodes.discard(node)

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
    def _add_standby(self, primary: NodeT, standby: NodeT) -> None:
        """Start a new standby node and return when it is complete."""

    def _promote(self, standby: NodeT) -> None:
        """Make the standby, which is alive, the primary."""
        standby.promote()

    def _launch_primary(self, node: NodeT) -> None:
        """Start a node that is to be the primary, with what the service keeps beside its nodes."""
        self._nodes.launch(node)

    def _watch(self, primary: NodeT, standby: NodeT) -> None:
        """Look whether the two, which both respond, work together."""

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
        """Do what is due; seconds until the next step, unless something happens."""
        for node in filter(None, (self._primary, self._standby)):
            node.look(self._delays.detection_s, is_cut_off=self._edges.is_cut_off(node.zone))
        pauses_s = [self._perform(each) for each in decide(self._state(), time.monotonic())]
        return min(pauses_s[-1], _LOOK_S)  # nobody reports that a node has become silent

    def _state(self) -> PairState:
        primary, standby = self._primary, self._standby
        assert primary is not None
        return PairState(
            primary=primary.view(),
            standby=standby.view() if standby else None,
            up_since_s=self._nodes.up_since_s(),
            delays=self._delays,
            keeps_data=self.keeps_data,
            standby_lost_at_s=self._standby_lost_at_s,
            standby_lost_zone=self._standby_lost_zone,
            hurry=self._hurry,
        )

    def _perform(self, action: Action) -> float:
        """Do one step; seconds until the next."""
        primary, standby = self._primary, self._standby
        assert primary is not None
        match action, standby:
            case Wait(seconds=seconds), _:
                return seconds
            case FencePrimary(), _:
                end([primary])
            case FenceStandby(), Node():
                end([standby])
            case CloseEndpoint(), _:
                with contextlib.suppress(ClusterError):  # without HAProxy there is no connection
                    self._endpoints.disconnect(self.key)
            case PromoteStandby(), Node():
                self._promote(standby)
                self._take_over(standby)
            case RestartPrimary(), _:
                primary.release_standby()
                self._nodes.launch(primary)
                self._take_over(primary)
            case RestartStandby(), Node():
                self._nodes.launch(standby)
                standby.promote()
                self._take_over(standby)
            case ReplacePrimary(zone=zone), _:
                self._replace_primary(zone)
            case DropStandby(), Node():
                primary.release_standby()
                self._standby_lost_at_s, self._standby_lost_zone = standby.died_at_s, standby.zone
                self._standby = None
                self._nodes.discard(standby)
            case AddStandby(zone=zone), _:
                self._rebuild(primary, zone)
            case Watch(), Node():
                self._watch(primary, standby)
                return _LOOK_S
        return 0.0

    def _take_over(self, successor: NodeT) -> None:
        """`successor` serves from now on, alone; every other node is thrown away."""
        dead, standby = self._primary, self._standby
        assert dead is not None
        # It may acknowledge writes from here on: it is the primary before anyone can see that.
        self._primary, self._standby = successor, None
        self._standby_lost_at_s = time.monotonic()
        self._standby_lost_zone = dead.zone if successor is not dead else (standby or dead).zone
        self._endpoints.point(self.key, *successor.address)
        if successor is not dead:
            self._context.registry.emit(
                "failover", service=self.key, **{"from": dead.name, "to": successor.name}
            )
        for node in self._nodes.all():
            if node is not successor:
                self._nodes.discard(node)

    def _replace_primary(self, zone: str) -> None:
        with self._nodes.created(zone) as node:
            self._launch_primary(node)
        self._take_over(node)

    def _rebuild(self, primary: NodeT, zone: str) -> None:
        with self._nodes.created(zone) as standby:
            try:
                self._add_standby(primary, standby)
            except BaseException:
                primary.release_standby()
                raise
        self._standby = standby

    def _wake(self) -> None:
        with self._changed:
            self._wake_up = True
            self._changed.notify_all()
