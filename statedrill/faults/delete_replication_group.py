"""Both nodes of the cache are deleted with all that they held; its newest snapshot is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.faults.base import Capabilities, Proof
from statedrill.faults.data_loss import DataLoss, Restorable, RestorePoint


def delete_replication_group() -> dict[str, Any]:
    """Delete the cache without a final snapshot; it stays away until it is created again.

    Raises:
        ControlFailure: the pattern has no cache with snapshots, or it could not be proved to be
            gone.
    """
    return fault(DeleteReplicationGroup.action)


def create_replication_group() -> dict[str, Any]:
    """Create the deleted cache again from its newest snapshot (`SnapshotName`); returns at once.

    Raises:
        ControlFailure: the restore could not be ordered.
    """
    return call(DeleteReplicationGroup.end_action)


@runtime_checkable
class CanLoseNodes(Restorable, Protocol):
    """A cache whose nodes can be deleted."""

    def lose_data(self) -> list[str]:
        """Kill every node and throw away all that it held; the names of the nodes."""

    def data_left(self) -> list[str]:
        """The folders of nodes that exist, and of what they wrote down."""


@dataclass(frozen=True)
class Arguments:
    """None: there is one cache."""


class DeleteReplicationGroup(DataLoss):
    """A mistake that neither replica nor log survives; lost is what is in no snapshot yet."""

    name = "delete_replication_group"
    action = "elasticache/delete-replication-group"
    end_action = "elasticache/create-replication-group"
    domain = "data"
    service = "cache"
    client = "statedrill.faults.elasticache.delete_replication_group"
    description = "both nodes of the cache and all that they held are gone, until it is restored"
    arguments = Arguments
    phrase = "the cache was deleted"

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not(
            cls.service, CanLoseNodes, "deleted"
        ) or super().why_unavailable(capabilities)

    @override
    def _restore_point(self) -> RestorePoint | None:
        return None

    @override
    def _destroy(self) -> None:
        cast(CanLoseNodes, self._service).lose_data()

    @override
    def prove(self) -> Proof:
        """Neither a process nor a folder of it is left."""
        alive = [part.name for part in self._target.running() if part.name in self.targets]
        left = [*alive, *cast(CanLoseNodes, self._service).data_left()]
        names = " and ".join(self.targets)
        if left:
            return Proof(False, f"of {names} there is still {', '.join(left)}")
        return Proof(True, f"{names} are gone with all that they held, and a snapshot is left")
