"""A node of Memcached is lost, or hangs for a while: equal nodes, of which each has its own keys.

AWS has no call that does either; the nodes are named as boto3's `CacheNodeIdsToReboot` names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ClusterError, ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for
from statedrill.faults.freeze_node import FreezeNode, Node

_PROOF_S = 2.0


def terminate_cache_node(cache_node_id: str = "0001") -> dict[str, Any]:
    """Kill a node of Memcached; an empty one takes its name after the usual delay.

    Raises:
        ControlFailure: the pattern has no such node, or the death could not be proved.
    """
    return fault(TerminateCacheNode.action, CacheNodeId=cache_node_id)


def pause_cache_node(cache_node_id: str = "0001") -> dict[str, Any]:
    """A node of Memcached hangs until `resume_cache_node`, or until it is replaced.

    Raises:
        ControlFailure: the pattern has no such node, or it could not be proved that it hangs.
    """
    return fault(PauseCacheNode.action, CacheNodeId=cache_node_id)


def resume_cache_node(cache_node_id: str = "0001") -> dict[str, Any]:
    """A node of Memcached that hung goes on, with what it had.

    Raises:
        ControlFailure: it could not be made to.
    """
    return call(PauseCacheNode.end_action, CacheNodeId=cache_node_id)


class EndableNode(Node, Protocol):
    """One server of a cache."""

    def kill(self) -> None:
        """SIGKILL everything that belongs to it; does not wait."""


@runtime_checkable
class HasEqualNodes(Protocol):
    """A cache of several servers, each with keys of its own."""

    def cache_node(self, node_id: str) -> EndableNode:
        """The node with this id now. Raises ClusterError when there is none alive."""

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""


@dataclass(frozen=True)
class Arguments:
    """Which node, by its id."""

    cache_node_id: Annotated[str, "the id of a node, such as '0001'"] = "0001"


def _why_not(capabilities: Capabilities, verb: str) -> str:
    why = capabilities.why_not("cache", HasEqualNodes, verb)
    if why and "cache" in capabilities.services:
        return f"{why} node by node: all of its keys are on its primary"
    return why


def _node_of(target: FaultTarget, node_id: str) -> EndableNode:
    try:
        return cast(HasEqualNodes, target.service("cache")).cache_node(node_id)
    except ClusterError as error:
        raise ControlError(error.message, error.hint) from error


class TerminateCacheNode(Fault):
    """A node dies by SIGKILL; there is nothing to undo, its place is filled by itself."""

    name = "terminate_cache_node"
    action = "elasticache/terminate-cache-node"
    domain = "cache"
    client = "statedrill.faults.elasticache.terminate_cache_node"
    description = "a node of Memcached is killed, and an empty one takes its name"
    arguments = Arguments
    phrase = "a node of the cache was lost"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._service = cast(HasEqualNodes, target.service("cache"))
        self._node = _node_of(target, arguments.cache_node_id)
        self.targets: Sequence[str] = [self._node.name]

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return _why_not(capabilities, "lost")

    @override
    def inject(self) -> None:
        self._node.kill()

    @override
    def prove(self) -> Proof:
        """Its process is gone, and nobody answers in its place."""
        gone = wait_for(lambda: not self._node.processes(), _PROOF_S) and not self._node.answers()
        return Proof(gone, f"{self._node.name} is {'gone' if gone else 'still there'}")

    @override
    def is_over(self) -> bool:
        return self._service.is_healthy()


class PauseCacheNode(FreezeNode):
    """A node hangs for a while, and its clients decide what happens to its keys meanwhile."""

    name = "pause_cache_node"
    action = "elasticache/pause-cache-node"
    end_action = "elasticache/resume-cache-node"
    domain = service = "cache"
    client = "statedrill.faults.elasticache.pause_cache_node"
    description = "a node of Memcached hangs (SIGSTOP), until resume_cache_node"
    phrase = "a node of the cache hung"
    arguments = Arguments

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._service = cast(HasEqualNodes, target.service(self.service))
        self._node = _node_of(target, arguments.cache_node_id)
        self.targets: Sequence[str] = [self._node.name]

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return _why_not(capabilities, "paused")
