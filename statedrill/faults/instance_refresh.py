"""A new release is rolled out: every instance is replaced by a new one, one after the other.

Named after `start_instance_refresh` of boto3's autoscaling client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ControlError
from statedrill.faults.base import Fault, FaultTarget, Proof, wait_for

_NOTICED_S = 5.0


def start_instance_refresh() -> dict[str, Any]:
    """Replace every instance by a new one: launch it, drain the old one, terminate that.

    Raises:
        ControlFailure: no instance is in service, or nothing was launched.
    """
    return fault(InstanceRefresh.action)


def cancel_instance_refresh() -> dict[str, Any]:
    """Replace no more; the instances that were replaced stay so."""
    return call(InstanceRefresh.end_action)


@dataclass(frozen=True)
class Arguments:
    """None: all instances of the application are replaced."""


class InstanceRefresh(Fault):
    """A rolling deployment, over when no old instance is left; its undoing stops half-way."""

    name = "instance_refresh"
    action = "autoscaling/start-instance-refresh"
    end_action = "autoscaling/cancel-instance-refresh"
    domain = "deployment"
    client = "statedrill.faults.autoscaling.start_instance_refresh"
    description = "a rolling deployment: each instance is drained and replaced by a new one"
    arguments = Arguments
    phrase = "every instance was replaced by a new one"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._group = target.group()
        self.targets = [each.id for each in self._group.in_service()]
        if not self.targets:
            raise ControlError("no instance is in service", "wait until one is")

    @override
    def inject(self) -> None:
        self._group.start_refresh()

    @override
    def prove(self) -> Proof:
        """The first new instance is being launched."""
        proved = wait_for(lambda: bool(self._new()), _NOTICED_S)
        return Proof(
            proved,
            f"to be replaced: {', '.join(self.targets)}; "
            f"the first new one: {', '.join(self._new()) or 'none'}",
        )

    @override
    def is_over(self) -> bool:
        return self._group.is_healthy()

    @override
    def undo(self) -> None:
        self._group.cancel_refresh()

    def _new(self) -> list[str]:
        return [each.id for each in self._group.instances() if each.id not in self.targets]
