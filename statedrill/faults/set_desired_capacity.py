"""The Auto Scaling group is told another number of instances: it scales in or out.

Named after `set_desired_capacity` of boto3's autoscaling client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for

MOST_INSTANCES = 12
_RANGE = f"give a whole number from 1 to {MOST_INSTANCES}"
_NOTICED_S = 5.0


def set_desired_capacity(capacity: int) -> dict[str, Any]:
    """Have the group keep `capacity` instances from now on; those that leave are drained first.

    The change stays when the experiment is over, until `restore`.

    Raises:
        ControlFailure: the group has that number already, or did not begin to change.
    """
    return fault(SetDesiredCapacity.action, DesiredCapacity=capacity)


@dataclass(frozen=True)
class Arguments:
    """How many instances the group is to have."""

    desired_capacity: Annotated[int, f"a whole number from 1 to {MOST_INSTANCES}"]


class SetDesiredCapacity(Fault):
    """A planned change: over when it is done, and it stays. While it is open its undoing gives the
    group its former number.
    """

    name = "set_desired_capacity"
    action = "autoscaling/set-desired-capacity"
    domain = "deployment"
    client = "statedrill.faults.autoscaling.set_desired_capacity"
    description = "the group scales in (draining what it ends) or out, and keeps the new number"
    arguments = Arguments
    targets = ("instances",)

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._group, self._capacity = target.group(), arguments.desired_capacity
        self._before = self._group.desired
        if not 1 <= self._capacity <= MOST_INSTANCES:
            raise ControlError(f"DesiredCapacity is {self._capacity}", _RANGE)
        if self._capacity == self._before:
            raise ControlError(
                f"the group keeps {self._before} instances already", "give another number"
            )
        self._ids = self._ids_now()
        self._staying = [each for each in self._group.instances() if not each.was_told_to_go]
        way = "in" if self._capacity < self._before else "out"
        self.phrase = f"the group scaled {way} from {self._before} to {self._capacity} instances"

    @classmethod
    @override
    def why_refused(cls, arguments: Mapping[str, Any], capabilities: Capabilities) -> str:
        capacity = arguments.get("capacity")
        if isinstance(capacity, int) and not 1 <= capacity <= MOST_INSTANCES:
            return f"capacity is {capacity}; {_RANGE}"
        return super().why_refused(arguments, capabilities)

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        if not capabilities.shards:
            return ""
        return (
            f"pattern {capabilities.pattern} has a group of one instance for each shard, which is "
            "not scaled: with the instance its users' state would go"
        )

    @override
    def inject(self) -> None:
        self._group.set_desired(self._capacity)

    @override
    def prove(self) -> Proof:
        """As many instances as planned are leaving, or are being launched."""
        missing = abs(self._capacity - self._before)
        proved = wait_for(lambda: len(self._changed()) >= missing, _NOTICED_S)
        verb = "terminated" if self._capacity < self._before else "launched"
        return Proof(
            proved,
            f"desired capacity {self._before} -> {self._group.desired}; "
            f"{verb}: {', '.join(sorted(self._changed())) or 'none'}",
        )

    @override
    def is_over(self) -> bool:
        return self._group.is_healthy()

    @override
    def undo(self) -> None:
        self._group.set_desired(self._before)

    def _changed(self) -> set[str]:
        """The ids of the instances that came, or that are going."""
        if self._capacity < self._before:
            return {each.id for each in self._staying if each.was_told_to_go}
        return self._ids_now() - self._ids

    def _ids_now(self) -> set[str]:
        return {each.id for each in self._group.instances()}
