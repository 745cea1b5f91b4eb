"""What a drill needs of the place it happens in: the protocol that every kind of target implements.

`cluster/` is the local target. Knows no fault, no experiment and no load: faults reach a target
through its control address only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from statedrill.history.events import Emit
from statedrill.processes.registry import ProcessRegistry


class Target(Protocol):
    """One pattern deployed somewhere, from `start` to `stop`, with a control address.

    It emits what happens to it (processes, faults, failovers) as events. Every method that starts
    or waits for something raises ClusterError when that fails.
    """

    @property
    def url(self) -> str:
        """Where users find the application, without a path."""

    @property
    def control_file(self) -> Path:
        """The file with the control address and its token; it exists between start and stop."""

    @property
    def registry(self) -> ProcessRegistry:
        """Makes processes that end with the target, whatever happens to this program."""

    def extra_address(self, port: int) -> tuple[str, int]:
        """Host and port that a program beside the target may listen on."""

    def start(self) -> None:
        """Start everything and wait until users can be served; after a failure nothing is left."""

    def missing(self) -> list[str]:
        """What is not there or not healthy, in words; empty when the target is healthy."""

    def restore(self) -> list[str]:
        """Undo every open fault, the newest first, and wait until healthy; ids of those faults.

        How long that may take is the target's own knowledge: it knows its delays.
        """

    def settle(self, timeout_s: float) -> bool:
        """Wait until nothing that was accepted is still on its way; whether that was in time."""

    def restart_instances(self, timeout_s: float) -> None:
        """Restart every instance of the application and wait until the target is healthy."""

    def stop(self) -> None:
        """End everything but the logs; idempotent, safe at any time."""


MakeTarget: TypeAlias = Callable[[Emit], Target]
"""Makes the target of one drill, not yet started; it sends its events to the given sink."""
