"""The primary node of a managed service is killed, and its other node is promoted.

Two rows: `failover_db_cluster` of chaosaws.rds.actions, `test_failover` of boto3's elasticache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof


def failover_db_cluster() -> dict[str, Any]:
    """Kill the primary; the synchronous standby is promoted after the usual delay.

    Raises:
        ControlFailure: the pattern has no database, or the death could not be proved.
    """
    return fault(FailoverDbCluster.action)


def test_failover() -> dict[str, Any]:
    """Kill the primary node; the replica is promoted after the usual delay.

    Raises:
        ControlFailure: the pattern has no cache, or the death could not be proved.
    """
    return fault(TestFailover.action)


class Node(Protocol):
    """One server of a service."""

    @property
    def name(self) -> str:
        """Its name in events and logs."""

    @property
    def role(self) -> str:
        """`primary`, or what the other nodes are."""

    @property
    def alive(self) -> bool:
        """Whether its process exists."""


@runtime_checkable
class CanFailOver(Protocol):
    """A service with a primary and a node that can take over."""

    def nodes(self) -> Sequence[Node]:
        """Its nodes now."""

    def failover(self) -> tuple[str, int]:
        """Kill the primary; its name and its process id."""

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""


@dataclass(frozen=True)
class Arguments:
    """None: there is one service of its kind."""


class Failover(Fault):
    """The primary of `service` is killed; there is nothing to undo, the service rebuilds itself."""

    service: ClassVar[str]
    arguments = Arguments

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._target = target
        self._service = cast(CanFailOver, target.service(self.service))
        nodes = self._service.nodes()
        self.targets = [each.name for each in nodes if each.role == "primary" and each.alive]
        if not self.targets:
            raise ControlError(
                f"the {self.service} has no primary that is alive", "wait until it has one again"
            )
        self._killed: tuple[str, int]

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not(cls.service, CanFailOver, "failed over")

    @override
    def inject(self) -> None:
        self._killed = self._service.failover()

    @override
    def prove(self) -> Proof:
        """The primary's process is gone."""
        name, pid = self._killed
        left = any(part.pid == pid for part in self._target.running())
        return Proof(not left, f"primary {name} (pid {pid}) is {'still there' if left else 'gone'}")

    @override
    def is_over(self) -> bool:
        return self._service.is_healthy()


class FailoverDbCluster(Failover):
    """RDS Multi-AZ: the synchronous standby takes over."""

    name = "failover_db_cluster"
    action = "rds/failover-db-cluster"
    domain = service = "database"
    client = "statedrill.faults.rds.failover_db_cluster"
    description = "the database's primary is killed, and its standby is promoted"
    phrase = "the database failed over"


class TestFailover(Failover):
    """ElastiCache: the replica takes over, with what it had received."""

    __test__ = False  # the word is AWS's, not pytest's

    name = "test_failover"
    action = "elasticache/test-failover"
    domain = service = "cache"
    client = "statedrill.faults.elasticache.test_failover"
    description = "the cache's primary is killed, and its replica is promoted"
    phrase = "the cache failed over"
