"""Every connection that the database has for applications is taken, as in a storm of clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for

_PROOF_S = 10.0


def exhaust_db_connections() -> dict[str, Any]:
    """Hold every connection that becomes free, until `release_db_connections`.

    Applications keep those that they have; what connects anew is refused.

    Raises:
        ControlFailure: the pattern has no database, or no refusal was seen.
    """
    return fault(ExhaustDbConnections.action)


def release_db_connections() -> dict[str, Any]:
    """Hang up on the connections that were held."""
    return call(ExhaustDbConnections.end_action)


@runtime_checkable
class CanExhaust(Protocol):
    """A database whose connections can all be taken."""

    def exhaust_connections(self) -> None:
        """Begin to take every connection that is free or becomes free."""

    def exhaustion(self) -> tuple[int, str]:
        """How many connections are held, and how the next one was refused (empty: not yet)."""

    def release_connections(self) -> None:
        """Hang up on all of them; idempotent."""

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and they can serve."""


@dataclass(frozen=True)
class Arguments:
    """None: there is one database."""


class ExhaustDbConnections(Fault):
    """All connections are held; undone by hanging up."""

    name = "exhaust_db_connections"
    action = "rds/exhaust-db-connections"
    end_action = "rds/release-db-connections"
    domain = "database"
    client = "statedrill.faults.rds.exhaust_db_connections"
    description = "every free connection of the database is held, until release_db_connections"
    arguments = Arguments
    targets = ("database",)
    phrase = "the database had no connection left"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._database = cast(CanExhaust, target.service("database"))
        self._is_undone = False

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not("database", CanExhaust, "exhausted")

    @override
    def inject(self) -> None:
        self._database.exhaust_connections()

    @override
    def prove(self) -> Proof:
        """The server itself refuses the next one."""
        refused = wait_for(lambda: bool(self._database.exhaustion()[1]), _PROOF_S)
        held, refusal = self._database.exhaustion()
        sentence = f"{held} connections are held, and the next one "
        return Proof(
            refused, sentence + (f"is refused: {refusal}" if refused else "is not refused")
        )

    @override
    def is_over(self) -> bool:
        return self._is_undone and self._database.is_healthy()

    @override
    def undo(self) -> None:
        self._database.release_connections()
        self._is_undone = True
