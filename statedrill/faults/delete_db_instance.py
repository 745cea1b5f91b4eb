"""Both nodes of the database and all their data are gone; its automated backups are left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.faults.base import Capabilities, Proof
from statedrill.faults.data_loss import DataLoss, Restorable, RestorePoint


def delete_db_instance() -> dict[str, Any]:
    """Delete the database without a final snapshot (`DeleteAutomatedBackups` is false).

    It stays away until `restore_db_instance_to_point_in_time`.

    Raises:
        ControlFailure: the pattern has no database with backups, or it could not be proved to be
            gone.
    """
    return fault(DeleteDbInstance.action)


@runtime_checkable
class CanLoseData(Restorable, Protocol):
    """A database whose nodes can be deleted."""

    def lose_data(self) -> list[str]:
        """Kill every node and throw away its data; the names of the nodes."""

    def data_left(self) -> list[str]:
        """The data folders of nodes that exist."""


@dataclass(frozen=True)
class Arguments:
    """None: there is one database."""


class DeleteDbInstance(DataLoss):
    """A disaster that no standby survives; lost is what was in no backup yet."""

    name = "delete_db_instance"
    action = "rds/delete-db-instance"
    end_action = "rds/restore-db-instance-to-latest-restorable-time"
    domain = "data"
    service = "database"
    client = "statedrill.faults.rds.delete_db_instance"
    description = "both nodes of the database and their data are gone, until it is restored"
    arguments = Arguments
    phrase = "the database and all its data were lost"

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not(cls.service, CanLoseData, "deleted") or super().why_unavailable(
            capabilities
        )

    @override
    def _restore_point(self) -> RestorePoint | None:
        return None

    @override
    def _destroy(self) -> None:
        cast(CanLoseData, self._service).lose_data()

    @override
    def prove(self) -> Proof:
        """Neither a process nor a data folder of it is left."""
        alive = [part.name for part in self._target.running() if part.name in self.targets]
        left = [*alive, *cast(CanLoseData, self._service).data_left()]
        names = " and ".join(self.targets)
        if left:
            return Proof(False, f"of {names} there is still {', '.join(left)}")
        return Proof(True, f"{names} are gone with their data folders, and a base backup is left")
