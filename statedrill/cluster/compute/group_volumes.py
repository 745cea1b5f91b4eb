"""The volumes of an Auto Scaling group: one for each instance, which outlives it.

Makes a volume with the first instance that needs one, attaches it, and takes it back when the
instance is gone, as a launch script or a lifecycle hook does on AWS. Knows volumes and who has one;
decides nothing.
"""

from __future__ import annotations

import threading
from pathlib import Path

from statedrill.cluster.compute.scaling_decisions import VolumeState
from statedrill.cluster.compute.volume import Owner, Volume
from statedrill.cluster.context import ClusterContext
from statedrill.inputs.pattern import Application


class GroupVolumes:
    """Volumes of `size_mb` below `root`, which take `attach_s` to be attached again."""

    def __init__(self, root: Path, size_mb: int, attach_s: float) -> None:
        self._root, self._size_mb, self._attach_s = root, size_mb, attach_s
        self._closing = threading.Event()
        self._volumes: dict[str, Volume] = {}
        self._promised: dict[str, str] = {}  # volume -> instance that has it, or will have it
        self._kept: set[str] = set()

    def give(self, instance_id: str, zone: str, volume_id: str | None) -> Volume:
        """The volume `volume_id`, or a new one, for an instance that is launched in `zone`."""
        if volume_id is None:
            volume_id = f"vol-{len(self._volumes)}"
            self._volumes[volume_id] = Volume(
                volume_id, zone, self._root, self._size_mb, self._attach_s, self._closing.wait
            )
        self._promised[volume_id] = instance_id
        self._kept.discard(volume_id)
        return self._volumes[volume_id]

    def keep(self, volume: Volume) -> None:
        """Its instance leaves because the group is scaled in: it waits until the group grows."""
        self._kept.add(volume.id)

    def take_back(self, instance: Owner, volume: Volume) -> None:
        """Fence an instance, and have its volume free for another one; idempotent.

        Raises:
            ClusterError: a process still holds the volume.
        """
        if volume.owner == instance.id:
            volume.fence()
        if self._promised.get(volume.id) == instance.id:
            del self._promised[volume.id]

    def states(self) -> tuple[VolumeState, ...]:
        """What decisions are made from."""
        return tuple(
            VolumeState(each.id, each.zone, each.id in self._promised, each.id in self._kept)
            for each in self._volumes.values()
        )

    def close(self) -> None:
        """Wait for no attachment any more; idempotent."""
        self._closing.set()


def new_volumes(context: ClusterContext, application: Application) -> GroupVolumes | None:
    """The volumes of the application's instances; None when they have none."""
    if application.volume is None:
        return None
    return GroupVolumes(
        context.registry.folder / "volumes",
        application.volume.size_mb,
        context.timings.volume_attach_s,
    )
