"""What faults have in common that destroy data, which only a restore from a backup brings back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, wait_for

_BACKUP_S = 60.0


class Node(Protocol):
    """One server of a service."""

    @property
    def name(self) -> str:
        """Its name in events and logs."""

    @property
    def alive(self) -> bool:
        """Whether its process exists."""


class RestorePoint(NamedTuple):
    """A moment (ns of the monotonic clock) and its position in the service's own words."""

    at_ns: int
    position: str


@runtime_checkable
class Restorable(Protocol):
    """A service that can be brought back from its backups."""

    def nodes(self) -> Sequence[Node]:
        """Its nodes now."""

    def has_backup(self) -> bool:
        """Whether there is a backup that it can be restored from."""

    def order_restore(self, point: RestorePoint | None) -> None:
        """Have new nodes with what the backups hold of `point` take the place of all.

        None: as much as there is. Returns at once.
        """

    def is_healthy(self) -> bool:
        """Whether it has all its nodes, they can serve, and no restore is under way."""


class DataLoss(Fault):
    """Data of `service` are destroyed; the fault ends when it is restored and has all its nodes.

    Its `end_action` is the restore. Where an experiment does not ask for it, its undoing does.
    """

    service: ClassVar[str]

    def __init__(self, target: FaultTarget, arguments: Any) -> None:
        self._target = target
        self._service = cast(Restorable, target.service(self.service))
        # A backup of a target that has just started may be under way.
        if not wait_for(self._service.has_backup, _BACKUP_S):
            raise ControlError(f"the {self.service} has no backup yet", "try again later")
        if not self._service.is_healthy():
            raise ControlError(f"the {self.service} is not healthy", "wait until it is")
        self.targets = [each.name for each in self._service.nodes()]
        self._point: RestorePoint | None = None
        self._destroyed = self._ordered = False

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        if why := capabilities.why_not(cls.service, Restorable, "restored"):
            return why
        if cls.service not in capabilities.backed_up:
            owner = f"the {cls.service} of pattern {capabilities.pattern}"
            return f"nothing to restore: {owner} has no backups"
        return ""

    @override
    def inject(self) -> None:
        self._point = self._restore_point()
        self._destroyed = True
        self._destroy()

    @abstractmethod
    def _restore_point(self) -> RestorePoint | None:
        """What is to be restored, known before anything is destroyed; None: all that there is."""

    @abstractmethod
    def _destroy(self) -> None:
        """Destroy the data."""

    @override
    def is_over(self) -> bool:
        return (self._ordered or not self._destroyed) and self._service.is_healthy()

    @override
    def undo(self) -> None:
        """Order the restore; who waits until the target is healthy waits for its end."""
        if self._destroyed and not self._ordered:
            self._service.order_restore(self._point)
            self._ordered = True
