"""The volume of an instance is taken away while the instance runs: a forced detachment.

What the instance writes fails from then on; what it has in memory it can still read. It is for the
application to notice, and for its health check to say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for
from statedrill.faults.chosen_instances import Choice, chosen
from statedrill.faults.parts import Instance, Volume

_DETACHED_S = 2.0


def detach_volume(
    instance_ids: list[str] | None = None, az: str | None = None, count: int | None = None
) -> dict[str, Any]:
    """Take the volume away from instances that run (DetachVolume with Force): I/O errors.

    Without arguments one registered instance is drawn by the drill's seed; `az` restricts the
    draw to a zone, `count` draws several.

    Raises:
        ControlFailure: no such instance, or it could not be proved that its writes fail.
    """
    return fault(DetachVolume.action, InstanceIds=instance_ids, Zone=az, Count=count)


def attach_volume() -> dict[str, Any]:
    """Give every volume back to the instance that it was taken from, if that is still there."""
    return call(DetachVolume.end_action)


class DetachVolume(Fault):
    """I/O errors on the volume; over when the instance was replaced, or has its volume again."""

    name = "detach_volume"
    action = "ec2/detach-volume"
    end_action = "ec2/attach-volume"
    domain = "instance"
    client = "statedrill.faults.ec2.detach_volume"
    description = "the volume of one or several instances is taken away while they run"
    arguments = Choice

    def __init__(self, target: FaultTarget, arguments: Choice) -> None:
        self._target = target
        self._volumes = list(_volumes_of(chosen(target, arguments)))
        self.targets = [each.id for each, _ in self._volumes]
        one = len(self._volumes) == 1
        self.phrase = f"{'a volume was' if one else 'volumes were'} taken away"

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        if capabilities.volumes:
            return ""
        return f"nothing to break: instances of pattern {capabilities.pattern} have no volumes"

    @override
    def inject(self) -> None:
        for _, volume in self._volumes:
            volume.detach()

    @override
    def prove(self) -> Proof:
        """The kernel says that the processes of the instance can write no byte."""
        proved = wait_for(lambda: all(volume.detached for _, volume in self._volumes), _DETACHED_S)
        return Proof(
            proved,
            "; ".join(
                f"{volume.id} is {'gone' if volume.detached else 'still there'}: {each.id} (pid "
                f"{each.process.pid}) {'cannot write' if volume.detached else 'writes on'}"
                for each, volume in self._volumes
            ),
        )

    @override
    def is_over(self) -> bool:
        detached = any(volume.detached for _, volume in self._volumes)
        return not detached and self._target.instances_are_healthy()

    @override
    def undo(self) -> None:
        for _, volume in self._volumes:
            volume.reattach()


def _volumes_of(instances: Sequence[Instance]) -> Sequence[tuple[Instance, Volume]]:
    found = [(each, each.volume) for each in instances if each.volume]
    if without := {each.id for each in instances} - {each.id for each, _ in found}:
        raise ControlError(f"no volume: {', '.join(sorted(without))}", "name other instances")
    if gone := [volume.id for _, volume in found if volume.detached]:
        raise ControlError(
            f"taken away already: {', '.join(gone)}", f"end that: {DetachVolume.end_action}"
        )
    return found
