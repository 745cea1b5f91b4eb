"""The volumes of an Auto Scaling group: one for each instance, which outlives it.

Makes a volume with the first instance that needs one, attaches it, and takes it back when the
instance is gone, as a launch script or a lifecycle hook does on AWS. Knows volumes and who has one;
decides nothing.
"""

from __future__ import annotations

import threading
from typing import Protocol

from statedrill.cluster.compute.scaling_decisions import VolumeState
from statedrill.cluster.compute.volume import Owner, Volume
from statedrill.cluster.context import ClusterContext
from statedrill.errors import ClusterError
from statedrill.inputs.pattern import Application


class HasVolume(Owner, Protocol):
    """An instance with a volume, or one without."""

    @property
    def volume(self) -> Volume | None:
        """The volume that it was given."""


class GroupVolumes:
    """Volumes of `size_mb`, which take `volume_attach_s` of the timings to be attached again."""

    def __init__(self, context: ClusterContext, size_mb: int) -> None:
        self._root = context.registry.folder / "volumes"
        self._emit, self._size_mb = context.registry.emit, size_mb
        self._attach_s = context.timings.volume_attach_s
        self._volumes: dict[str, Volume] = {}
        self._given: dict[str, str] = {}  # volume -> instance that has it, or will have it
        self._kept: set[str] = set()
        # So that no instance gets a volume in the moment when it is taken back.
        self._handover = threading.Lock()
        self._closing = threading.Event()

    def give(self, instance_id: str, zone: str, volume_id: str | None) -> Volume:
        """The volume `volume_id`, or a new one, for an instance that is launched in `zone`."""
        if volume_id is None:
            volume_id = f"vol-{len(self._volumes)}"
            self._volumes[volume_id] = Volume(
                volume_id, zone, self._root, self._size_mb, self._attach_s
            )
        self._given[volume_id] = instance_id
        self._kept.discard(volume_id)
        return self._volumes[volume_id]

    def attach(self, instance: HasVolume) -> None:
        """Attach the volume that an instance was given; returns when it can be used.

        Raises:
            ClusterError: it was taken back meanwhile, or is not to be had.
        """
        if volume := instance.volume:
            with self._handover:
                self._require_given(volume, instance)
                takes_s = volume.attach(instance)
            self._closing.wait(takes_s)
            with self._handover:
                self._require_given(volume, instance)
                self._tell(volume, "attached", instance)

    def keep(self, instance: HasVolume) -> None:
        """An instance leaves because the group is scaled in: its volume waits for better times."""
        if instance.volume:
            self._kept.add(instance.volume.id)

    def take_back(self, instance: HasVolume) -> None:
        """Fence an instance, and have its volume free for another one; idempotent.

        Raises:
            ClusterError: a process still holds the volume.
        """
        volume = instance.volume
        with self._handover:
            if volume and self._given.get(volume.id) == instance.id:
                if volume.owner == instance.id:
                    volume.fence()
                    self._tell(volume, "available", instance)
                del self._given[volume.id]

    def states(self) -> tuple[VolumeState, ...]:
        """What decisions are made from."""
        return tuple(
            VolumeState(each.id, each.zone, each.id in self._given, each.id in self._kept)
            for each in self._volumes.values()
        )

    def close(self) -> None:
        """Wait for no attachment any more; idempotent."""
        self._closing.set()

    def _require_given(self, volume: Volume, instance: Owner) -> None:
        if self._given.get(volume.id) != instance.id:
            raise ClusterError(
                f"volume {volume.id} was taken back from {instance.id}",
                "launch another instance with it",
            )

    def _tell(self, volume: Volume, state: str, instance: Owner) -> None:
        self._emit("volume", id=volume.id, zone=volume.zone, state=state, instance=instance.id)


def new_volumes(context: ClusterContext, application: Application) -> GroupVolumes | None:
    """The volumes of the application's instances; None when they have none."""
    return GroupVolumes(context, application.volume.size_mb) if application.volume else None
