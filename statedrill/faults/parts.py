"""The parts of a target as faults see them: processes, instances, and groups of instances.

Protocols only: knows no kind of target.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Part(Protocol):
    """A process of the target; `alive` says whether it exists now."""

    @property
    def name(self) -> str:
        """Its name in events and logs."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def alive(self) -> bool:
        """Whether the process exists."""

    @property
    def frozen(self) -> bool:
        """Whether the kernel says that it exists and stands still until it is resumed."""

    def pause(self) -> None:
        """SIGSTOP: it exists and does nothing."""

    def resume(self) -> None:
        """SIGCONT, when it is paused."""


class Volume(Protocol):
    """The volume of an instance."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def detached(self) -> bool:
        """Whether it was taken away from an instance that exists."""

    def detach(self) -> None:
        """Take it away from its instance, whose writes fail from now on."""

    def reattach(self) -> None:
        """Give it back, if its instance still exists; idempotent."""


class Instance(Protocol):
    """An instance of the application, or a worker."""

    @property
    def id(self) -> str:
        """AWS's id of it."""

    @property
    def address(self) -> str:
        """The host it listens on."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    @property
    def process(self) -> Part:
        """Its process."""

    @property
    def was_told_to_go(self) -> bool:
        """Whether its group terminates it, or has done so; one that died was not told."""

    @property
    def throttled(self) -> bool:
        """Whether it exists and gets a share of its processor time only."""

    @property
    def volume(self) -> Volume | None:
        """Its volume, if it has one."""

    def accepts_connections(self) -> bool:
        """Whether a connection to its port is accepted now."""

    def throttle_cpu(self, share: float) -> None:
        """Give it `share` (0 to 1) of its processor time, until `unthrottle_cpu`."""

    def unthrottle_cpu(self) -> None:
        """Give it all of its processor time; idempotent."""


class InstanceGroup(Protocol):
    """An Auto Scaling group: it keeps a desired number of instances."""

    @property
    def desired(self) -> int:
        """How many instances it keeps."""

    def instances(self) -> Sequence[Instance]:
        """Every instance that was not terminated yet, by id."""

    def in_service(self) -> Sequence[Instance]:
        """The instances that do their work now, by id."""

    def choose(self, count: int) -> Sequence[Instance]:
        """`count` instances in service (or as many as there are), drawn by the drill's seed."""

    def is_healthy(self) -> bool:
        """Whether the desired number is in service and healthy, and nothing is under way."""

    def set_desired(self, desired: int) -> None:
        """Launch or terminate until `desired` instances are there; who leaves is drained first."""

    def start_refresh(self) -> None:
        """Replace every instance of now by a new one, one by one: launch, drain, terminate."""

    def cancel_refresh(self) -> None:
        """Replace no more; what was replaced stays so."""
