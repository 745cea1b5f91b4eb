"""A deployment that goes wrong empties a table of the database; the standby follows at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.faults.base import Capabilities, FaultTarget, Proof
from statedrill.faults.data_loss import DataLoss, Restorable, RestorePoint
from statedrill.faults.delete_db_instance import DeleteDbInstance


def wipe_table(table: str) -> dict[str, Any]:
    """Remove every row of `table`; what the database held just before can be restored.

    Raises:
        ControlFailure: the pattern has no database with backups, or the table could not be proved
            to be empty.
    """
    return fault(WipeTable.action, Table=table)


def restore_db_instance_to_point_in_time(
    use_latest_restorable_time: bool = False,
) -> dict[str, Any]:
    """Restore the database to new nodes; returns at once.

    It is restored to the point before `wipe_table`; with `use_latest_restorable_time`, after
    `delete_db_instance`, to the end of its archived log.

    Raises:
        ControlFailure: the restore could not be ordered.
    """
    kind = DeleteDbInstance if use_latest_restorable_time else WipeTable
    return call(kind.end_action)


@runtime_checkable
class CanWipe(Restorable, Protocol):
    """A database with tables."""

    def restore_point(self) -> RestorePoint:
        """What it holds now."""

    def wipe(self, table: str) -> tuple[int, int]:
        """Remove every row; the numbers of rows before and after, seen in one transaction."""


@dataclass(frozen=True)
class Arguments:
    """The table; the end of the fault takes none."""

    table: Annotated[str, "the name of a table"] = ""


class WipeTable(DataLoss):
    """A mistake that no standby survives; given up is what was written after the restore point."""

    name = "wipe_table"
    action = "rds/wipe-table"
    end_action = "rds/restore-db-instance-to-restore-point"
    domain = "data"
    service = "database"
    client = "statedrill.faults.rds.wipe_table"
    description = "a table of the database is emptied, until it is restored"
    arguments = Arguments
    phrase = "a deployment emptied a table of the database"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        super().__init__(target, arguments)
        self._table, self._rows = arguments.table, (0, 0)

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not(cls.service, CanWipe, "wiped") or super().why_unavailable(
            capabilities
        )

    @override
    def _restore_point(self) -> RestorePoint:
        return cast(CanWipe, self._service).restore_point()

    @override
    def _destroy(self) -> None:
        self._rows = cast(CanWipe, self._service).wipe(self._table)

    @override
    def prove(self) -> Proof:
        """The table had rows, and has none: counted in the transaction that emptied it."""
        before, after = self._rows
        at = f"; the restore point is {self._point.position}" if self._point else ""
        sentence = f"table {self._table} had {before:,} rows and then {after:,}{at}"
        return Proof(before > 0 and after == 0, sentence)
