"""The database's primary is shut down in good order, and its standby is promoted.

What RDS does in a reboot with failover, as for maintenance: sessions are ended with a word, and the
standby has everything before the primary is gone.
"""

from __future__ import annotations

from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.faults.base import Capabilities, FaultTarget, Proof
from statedrill.faults.failover import Arguments, CanFailOver, Failover


def reboot_db_instance() -> dict[str, Any]:
    """Reboot the database with failover (RebootDBInstance with ForceFailover).

    Raises:
        ControlFailure: the pattern has no database, or an orderly end could not be proved.
    """
    return fault(RebootDbInstance.action)


@runtime_checkable
class CanReboot(CanFailOver, Protocol):
    """A service with a primary that ends in good order and a node that can take over."""

    def reboot(self) -> tuple[str, int]:
        """Shut the primary down in good order; its name and its exit code."""


class RebootDbInstance(Failover):
    """RDS Multi-AZ: the primary shuts down, and the synchronous standby takes over."""

    name = "reboot_db_instance"
    action = "rds/reboot-db-instance"
    domain = service = "database"
    client = "statedrill.faults.rds.reboot_db_instance"
    description = "the database's primary is shut down in good order, and its standby is promoted"
    phrase = "the database was rebooted"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        super().__init__(target, arguments)
        self._rebooted = cast(CanReboot, self._service)
        self._ended: tuple[str, int]

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not(cls.service, CanReboot, "rebooted")

    @override
    def inject(self) -> None:
        self._ended = self._rebooted.reboot()

    @override
    def prove(self) -> Proof:
        """The server ended by itself, with the exit code of an orderly end."""
        name, code = self._ended
        return Proof(code == 0, f"primary {name} shut down with exit code {code}")
