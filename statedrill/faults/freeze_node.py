"""A node of a managed service hangs: its processes exist, and do nothing (SIGSTOP).

Two rows: a node of the database and one of the cache. AWS has no call that does this.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.errors import ClusterError, ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for

_PROOF_S = 2.0
_SAME_START_S = 1.5


def freeze_db_node(role: str = "primary") -> dict[str, Any]:
    """The node of the database with this role (`primary`, `standby`) hangs until it is fenced.

    Raises:
        ControlFailure: the pattern has no database, or it could not be proved that it hangs.
    """
    return fault(FreezeDbNode.action, Role=role)


def freeze_cache_node(role: str = "primary") -> dict[str, Any]:
    """The node of the cache with this role (`primary`, `replica`) hangs until it is fenced.

    Raises:
        ControlFailure: the pattern has no cache, or it could not be proved that it hangs.
    """
    return fault(FreezeCacheNode.action, Role=role)


class Node(Protocol):
    """One server of a service."""

    @property
    def name(self) -> str:
        """Its name in events and logs."""

    def processes(self) -> Mapping[int, float]:
        """Every process that belongs to it now, id -> start in Unix seconds; none when dead."""

    def is_frozen(self) -> bool:
        """Whether it exists and every process of it is stopped."""

    def answers(self) -> bool:
        """Whether it serves requests now."""

    def freeze(self) -> None:
        """Stop everything that belongs to it. Raises ClusterError when it is not running."""

    def thaw(self) -> None:
        """Have what was stopped go on; idempotent."""


class HasHealth(Protocol):
    """A service."""

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""


@runtime_checkable
class HasNodes(HasHealth, Protocol):
    """A service of several servers."""

    def node(self, role: str) -> Node:
        """The node with this role now. Raises ClusterError when there is none alive."""


@dataclass(frozen=True)
class Arguments:
    """Which node, by its role."""

    role: Annotated[str, "the role of a node, such as 'primary'"] = "primary"


class FreezeNode(Fault):
    """A node of `service` hangs, until the service fences it or the fault is undone."""

    service: ClassVar[str]
    arguments: ClassVar[type] = Arguments

    def __init__(self, target: FaultTarget, arguments: Any) -> None:
        service = cast(HasNodes, target.service(self.service))
        self._service: HasHealth = service
        try:
            self._node = service.node(arguments.role)
        except ClusterError as error:
            raise ControlError(error.message, error.hint) from error
        self.targets: Sequence[str] = [self._node.name]

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not(cls.service, HasNodes, "frozen")

    @override
    def inject(self) -> None:
        self._node.freeze()

    @override
    def prove(self) -> Proof:
        """The kernel says that its processes are stopped, and it answers nothing."""
        node = self._node
        frozen = wait_for(node.is_frozen, _PROOF_S) and not node.answers() and node.is_frozen()
        stopped = f"every process is stopped ({len(node.processes())}), and it answers nothing"
        return Proof(frozen, f"{node.name}: {stopped if frozen else 'it goes on'}")

    @override
    def is_over(self) -> bool:
        """Whether the node serves again, or is gone for good, and the service is whole.

        A node that is being ended is neither stopped nor gone for a moment.
        """
        if self._node.is_frozen() or not self._service.is_healthy():
            return False
        return not self._node.processes() or self._node.answers()

    @override
    def undo(self) -> None:
        self._node.thaw()

    @override
    def undo_arguments(self) -> Mapping[str, Any]:
        return {"processes": [list(each) for each in self._node.processes().items()]}

    @classmethod
    @override
    def undo_left_behind(cls, arguments: Mapping[str, Any]) -> None:
        """A server's children that are stopped do not see that it died: have them go on."""
        import psutil  # noqa: PLC0415 - an experiment's process does without it

        for pid, started in arguments["processes"]:
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if abs(psutil.Process(pid).create_time() - started) < _SAME_START_S:
                    os.kill(pid, signal.SIGCONT)


class FreezeDbNode(FreezeNode):
    """RDS Multi-AZ: a primary that hangs is fenced, and the standby takes over."""

    name = "freeze_db_node"
    action = "rds/freeze-db-node"
    domain = service = "database"
    client = "statedrill.faults.rds.freeze_db_node"
    description = "a node of the database hangs (SIGSTOP), until it is fenced"
    phrase = "a node of the database hung"


class FreezeCacheNode(FreezeNode):
    """ElastiCache: a primary that hangs is fenced, and the replica takes over."""

    name = "freeze_cache_node"
    action = "elasticache/freeze-cache-node"
    domain = service = "cache"
    client = "statedrill.faults.elasticache.freeze_cache_node"
    description = "a node of the cache hangs (SIGSTOP), until it is fenced"
    phrase = "a node of the cache hung"
