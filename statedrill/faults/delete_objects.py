"""Every object of the bucket is deleted by mistake; with versioning, each is only marked so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof


def delete_objects() -> dict[str, Any]:
    """Delete every object of the bucket, until `remove_delete_markers`.

    Raises:
        ControlFailure: the pattern has no storage with versioning, or no object could be proved to
            be gone.
    """
    return fault(DeleteObjects.action)


def remove_delete_markers() -> dict[str, Any]:
    """Remove the delete markers, so that the versions under them are the objects again.

    Raises:
        ControlFailure: a marker could not be removed.
    """
    return call(DeleteObjects.end_action)


@runtime_checkable
class HasVersions(Protocol):
    """A bucket that can keep the versions of its objects."""

    def delete_objects(self) -> tuple[int, int]:
        """Delete every object; how many there were, and how many of those can still be read."""

    def undelete_objects(self) -> None:
        """Remove the delete markers that `delete_objects` left; idempotent."""

    def markers(self) -> int:
        """How many delete markers of `delete_objects` are left."""

    def is_healthy(self) -> bool:
        """Whether it serves."""


@dataclass(frozen=True)
class Arguments:
    """None: there is one bucket."""


class DeleteObjects(Fault):
    """A mistake that no copy in another zone survives; the restore is to remove the markers."""

    name = "delete_objects"
    action = "s3/delete-objects"
    end_action = "s3/remove-delete-markers"
    domain = "data"
    client = "statedrill.faults.s3.delete_objects"
    description = "every object of the bucket is deleted, until its delete marker is removed"
    arguments = Arguments
    targets = ("storage",)
    phrase = "all uploads were deleted"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._bucket = cast(HasVersions, target.service("storage"))
        self._deleted = (0, 0)
        if self._bucket.markers():
            raise ControlError("the objects are deleted already", f"end that: {self.end_action}")

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        if why := capabilities.why_not("storage", HasVersions, "emptied"):
            return why
        if "storage" in capabilities.backed_up:
            return ""
        return f"nothing to restore: the storage of pattern {capabilities.pattern} has no versions"

    @override
    def inject(self) -> None:
        self._deleted = self._bucket.delete_objects()

    @override
    def prove(self) -> Proof:
        """The objects that were listed before cannot be read after."""
        before, left = self._deleted
        said = f"of {before} objects that were listed before, {left} can be read"
        return Proof(before > 0 and left == 0, said)

    @override
    def is_over(self) -> bool:
        return not self._bucket.markers() and self._bucket.is_healthy()

    @override
    def undo(self) -> None:
        self._bucket.undelete_objects()
