"""The volumes of the database are full: it can write nothing, until they are given more room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for
from statedrill.vocabulary import Equipment

_PROOF_S = 5.0
_PAIR = ("primary", "standby")  # a read replica has storage of its own


def fill_db_storage() -> dict[str, Any]:
    """Leave no byte free on the volumes of the database's nodes, until `extend_db_storage`.

    Raises:
        ControlFailure: the pattern has no database, the target was started without volumes, or it
            could not be proved that the database cannot write.
    """
    return fault(FillDbStorage.action)


def extend_db_storage() -> dict[str, Any]:
    """Give the volumes more room (ModifyDBInstance with a larger AllocatedStorage).

    Raises:
        ControlFailure: a volume could not be given more room.
    """
    return call(FillDbStorage.end_action)


class Node(Protocol):
    """One server of a service."""

    @property
    def name(self) -> str:
        """Its name in events and logs."""

    @property
    def role(self) -> str:
        """What it is now, such as `primary`."""

    @property
    def alive(self) -> bool:
        """Whether its process exists."""


@runtime_checkable
class HasVolumes(Protocol):
    """A database whose nodes can have volumes of limited size."""

    def nodes(self) -> Sequence[Node]:
        """Its nodes now."""

    def fill_volumes(self) -> None:
        """Leave no room on the volume of any node, and have the primary notice."""

    def grow_volumes(self) -> None:
        """Give every volume that was filled its room again; idempotent."""

    def has_full_volumes(self) -> bool:
        """Whether volumes that were filled were not given room again."""

    def out_of_space(self) -> str:
        """What the primary wrote when it had no room left; empty when it did not."""

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""


@dataclass(frozen=True)
class Arguments:
    """None: there is one database, and its nodes have equal volumes."""


class FillDbStorage(Fault):
    """RDS's storage-full: a failover does not help, as the standby is as full as the primary."""

    name = "fill_db_storage"
    action = "rds/fill-db-storage"
    end_action = "rds/extend-db-storage"
    domain = "database"
    client = "statedrill.faults.rds.fill_db_storage"
    description = "the volumes of the database are full, until extend_db_storage"
    equipment = frozenset({Equipment.VOLUMES})
    arguments = Arguments
    phrase = "the volumes of the database were full"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._database = cast(HasVolumes, target.service("database"))
        if self._database.has_full_volumes():
            raise ControlError("the volumes are full already", f"end that: {self.end_action}")
        self.targets = [
            each.name for each in self._database.nodes() if each.alive and each.role in _PAIR
        ]

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not("database", HasVolumes, "filled up")

    @override
    def inject(self) -> None:
        self._database.fill_volumes()

    @override
    def prove(self) -> Proof:
        """The server itself says that there is no space left."""
        refused = wait_for(lambda: bool(self._database.out_of_space()), _PROOF_S)
        said = self._database.out_of_space()
        filled = f"the volumes of {' and '.join(self.targets)} were filled, and the primary "
        return Proof(refused, filled + (f"said: {said}" if refused else "writes on"))

    @override
    def is_over(self) -> bool:
        return not self._database.has_full_volumes() and self._database.is_healthy()

    @override
    def undo(self) -> None:
        self._database.grow_volumes()
