"""Instances hang: they exist and keep their connections, but do nothing until they are thawed.

A gray failure that nothing but a health check sees: SIGSTOP stands for a virtual machine that is
stuck on its host.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.faults.base import Fault, FaultTarget, Proof, wait_for
from statedrill.faults.chosen_instances import Choice, chosen, in_words

_FROZEN_S = 2.0


def freeze_instances(
    instance_ids: list[str] | None = None, az: str | None = None, count: int | None = None
) -> dict[str, Any]:
    """Freeze instances: they accept connections and never answer.

    Without arguments one registered instance is drawn by the drill's seed; `az` restricts the
    draw to a zone, `count` draws several.

    Raises:
        ControlFailure: no such instance, or it could not be proved to stand still.
    """
    return fault(FreezeInstances.action, InstanceIds=instance_ids, Zone=az, Count=count)


def thaw_instances() -> dict[str, Any]:
    """Every frozen instance that was not replaced yet goes on where it stood still."""
    return call(FreezeInstances.end_action)


class FreezeInstances(Fault):
    """SIGSTOP of instances or workers; over when each was thawed or replaced."""

    name = "freeze_instances"
    action = "ec2/freeze-instances"
    end_action = "ec2/thaw-instances"
    domain = "instance"
    client = "statedrill.faults.ec2.freeze_instances"
    description = "one or several instances hang: they live and answer nothing (SIGSTOP)"
    arguments = Choice

    def __init__(self, target: FaultTarget, arguments: Choice) -> None:
        self._target = target
        self._instances = chosen(target, arguments)
        self.targets = [each.id for each in self._instances]
        self.phrase = f"{in_words(len(self.targets))} hung"

    @override
    def inject(self) -> None:
        for each in self._instances:
            each.process.pause()

    @override
    def prove(self) -> Proof:
        """The kernel says that each process stands still."""
        proved = wait_for(lambda: all(each.process.frozen for each in self._instances), _FROZEN_S)
        return Proof(
            proved,
            "; ".join(
                f"{each.id} (pid {each.process.pid}) "
                f"{'stands still' if each.process.frozen else 'still runs'}"
                for each in self._instances
            ),
        )

    @override
    def is_over(self) -> bool:
        frozen = any(each.process.frozen for each in self._instances)
        return not frozen and self._target.instances_are_healthy()

    @override
    def undo(self) -> None:
        for each in self._instances:
            each.process.resume()
