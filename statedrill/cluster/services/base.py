"""What every managed service of a cluster has in common: its row in the table, and its life.

A service is one class in one file, listed in `SERVICES` of this package; everything else follows
from the class. Knows no service by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeVar

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.edge import Address
from statedrill.cluster.network.edges import Edges
from statedrill.cluster.routing.endpoints import Endpoint, Endpoints
from statedrill.inputs.services import ServiceOptions

T = TypeVar("T")


class NodeStatus(NamedTuple):
    """One server of a service as it is now."""

    name: str
    zone: str
    role: str
    alive: bool


@dataclass(frozen=True)
class Requirement:
    """A program that a service needs on this machine.

    `find` says in one line what was found, and raises MissingPart when it is not there. `only_for`
    says which patterns need it, where most do without.
    """

    part: str
    find: Callable[[], str]
    only_for: str = ""


@dataclass(frozen=True)
class ServiceContext:
    """What the services of one cluster are given, and what some of them share."""

    cluster: ClusterContext
    endpoints: Endpoints
    edges: Edges
    _shared: dict[object, Any] = field(default_factory=dict)

    def announce(self, endpoint: Endpoint) -> None:
        """Have an endpoint, and an edge from each zone to it."""
        self.endpoints.announce(endpoint)
        address = self.endpoints.address(endpoint.name)
        self.edges.announce(endpoint.name, address, endpoint.host_number)

    def address(self, zone: str, name: str) -> Address:
        """Where an instance in `zone` finds what was announced as `name`."""
        return self.edges.edge(zone, name).address

    def shared(self, make: Callable[[ServiceContext], T]) -> T:
        """The one object of this cluster that `make` makes, made when it is first asked for."""
        if make not in self._shared:
            self._shared[make] = make(self)
        made: T = self._shared[make]
        return made


class Service(ABC):
    """A managed service of one cluster, made from its `options` and not yet started.

    The class is a row of the table: `kind` is AWS's name of the service, `key` its name in pattern
    files and in events, `options` what a pattern file may say about it, `requires` the programs
    that it needs, `defers_work` whether it accepts work that is done later (see `backlog`). Every
    method that starts, waits for or asks something raises ClusterError.
    """

    kind: ClassVar[str]
    key: ClassVar[str]
    options: ClassVar[type[ServiceOptions]]
    requires: ClassVar[tuple[Requirement, ...]] = ()
    defers_work: ClassVar[bool] = False

    @classmethod
    def variant(cls, options: Any) -> type[Service]:
        """The class of a service with these options, where they give it an ability."""
        return cls

    @abstractmethod
    def __init__(self, context: ServiceContext, options: Any) -> None:
        """Announce its endpoints and make its parts; nothing is started."""

    @abstractmethod
    def environment(self, zone: str) -> Mapping[str, str]:
        """What an instance in `zone` is told; the same before and after `start`."""

    @abstractmethod
    def start(self) -> None:
        """Start it; returns when it answers."""

    @abstractmethod
    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""

    @abstractmethod
    def stop(self) -> None:
        """End it at once and throw its data away; idempotent."""

    def cluster_is_ready(self) -> None:
        """Begin what nobody has to wait for: every part of the cluster serves."""

    def restore(self) -> None:
        """Bring back what is missing, without AWS's delays; returns when it is healthy."""
        if not self.is_healthy():
            self.start()

    def restore_time_s(self) -> float:
        """How long `restore` waits by design, in seconds, on top of starting processes."""
        return 0.0

    def zone_down(self, zone: str) -> None:
        """Everything of it in `zone` dies at once, and nothing starts there until `zone_up`."""

    def zone_cut_off(self, zone: str) -> None:
        """What it has in `zone` goes on, out of everybody's reach; nothing new starts there."""

    def zone_up(self, zone: str) -> None:
        """`zone` can be used again; it is rebuilt there at AWS's pace."""

    def nodes(self) -> list[NodeStatus]:
        """Its servers, when it has any that can be told apart."""
        return []

    def backlog(self) -> int:
        """Work that it accepted and that is not done yet, such as messages in a queue."""
        return 0

    def sample(self) -> Mapping[str, Any]:
        """What it counts of itself now (see `history.sample.ServiceSample`); empty: nothing."""
        return {}

    def missing(self) -> list[str]:
        """What keeps it from being healthy, in words; empty when it is."""
        return [] if self.is_healthy() else [self.key]
