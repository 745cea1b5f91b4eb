"""The database's read replicas show every commit late; who reads from them reads the past.

What RDS measures as ReplicaLag: a replica that is too small, or busy with a long query. Nothing is
lost by it, and the primary notices nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof

_LONGEST_S = 60.0
_CLOCK_S = 0.005  # PostgreSQL reckons in milliseconds, from the commit's own time


def delay_db_replicas(delay_seconds: float | None = None) -> dict[str, Any]:
    """Have every read replica show each commit so many seconds (2) after it happened.

    Raises:
        ControlFailure: the pattern has no read replicas, none is alive, or the delay could not be
            proved.
    """
    return fault(DelayReplicas.action, DelaySeconds=delay_seconds)


def catch_up_db_replicas() -> dict[str, Any]:
    """Have the read replicas show at once what they have received."""
    return call(DelayReplicas.end_action)


class Replicas(Protocol):
    """The read replicas of a database."""

    def delays_s(self) -> Mapping[str, float]:
        """By how much each that lives was delayed, by name."""

    def delay(self, seconds: float) -> None:
        """Every one that lives shows each commit so many seconds after it happened."""

    def lags_s(self, timeout_s: float) -> Mapping[str, float]:
        """How long a commit of now takes until each that lives shows it; infinity: longer."""


@runtime_checkable
class HasReadReplicas(Protocol):
    """A database that can have read replicas."""

    def read_replicas(self) -> Replicas:
        """Its read replicas, of which there may be none."""


@dataclass(frozen=True)
class Arguments:
    """For how long each commit is held back."""

    delay_seconds: Annotated[float, "a number of seconds above 0"] = 2.0


class DelayReplicas(Fault):
    """Every read replica that lives now lags, until the fault is undone or the replica replaced."""

    name = "delay_db_replicas"
    action = "rds/delay-db-replicas"
    end_action = "rds/catch-up-db-replicas"
    domain = "database"
    client = "statedrill.faults.rds.delay_db_replicas"
    description = "the database's read replicas lag, until catch_up_db_replicas"
    arguments = Arguments
    phrase = "the database's read replicas lagged"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        database = cast(HasReadReplicas, target.service("database"))
        self._replicas = database.read_replicas()
        self._delay_s = arguments.delay_seconds
        if not 0 < self._delay_s <= _LONGEST_S:
            raise ControlError(
                f"DelaySeconds is {self._delay_s:g}", f"give a number above 0, at most {_LONGEST_S}"
            )
        delays_s = self._replicas.delays_s()
        if not delays_s:
            raise ControlError("no read replica is alive now", "wait until one is")
        if any(delays_s.values()):
            raise ControlError("the read replicas lag already", f"end that: {self.end_action}")
        self.targets = sorted(delays_s)

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        refused = capabilities.why_not("database", HasReadReplicas, "delayed")
        if not refused and not capabilities.read_replicas:
            what = f"the database of pattern {capabilities.pattern} has no read replicas"
            return f"nothing to break: {what}"
        return refused

    @override
    def inject(self) -> None:
        self._replicas.delay(self._delay_s)

    @override
    def prove(self) -> Proof:
        """A commit of now is not seen on any of them before the delay is over."""
        lags_s = self._replicas.lags_s(self._delay_s + 1.0)
        seen = [f"{name} after {lag_s:.3f} s" for name, lag_s in sorted(lags_s.items())]
        early = min(lags_s.values(), default=0.0) < self._delay_s - _CLOCK_S
        return Proof(not early, f"a commit was seen on {', '.join(seen) or 'no read replica'}")

    @override
    def is_over(self) -> bool:
        return not any(self._replicas.delays_s().values())

    @override
    def undo(self) -> None:
        self._replicas.delay(0.0)
