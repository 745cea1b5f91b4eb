"""Instances, or workers, die at once, without any warning to them or to the load balancer.

Two rows: `terminate_instances`, named after that of chaosaws.ec2.actions, and `terminate_workers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof
from statedrill.faults.chosen_instances import Choice, chosen, in_words
from statedrill.faults.parts import Instance, InstanceGroup


def terminate_instances(
    instance_ids: list[str] | None = None, az: str | None = None, count: int | None = None
) -> dict[str, Any]:
    """Kill instances at once, without any warning to them or to the load balancer.

    Without arguments one registered instance is drawn by the drill's seed; `az` restricts the
    draw to a zone, `count` draws several.

    Raises:
        ControlFailure: no such instance, or the death could not be proved.
    """
    return fault(TerminateInstances.action, InstanceIds=instance_ids, Zone=az, Count=count)


def terminate_workers(count: int | None = None) -> dict[str, Any]:
    """Kill `count` workers, drawn by the drill's seed, or all of them, whatever they are doing.

    Raises:
        ControlFailure: the pattern has no workers, or the death could not be proved.
    """
    return fault(TerminateWorkers.action, Count=count)


@dataclass(frozen=True)
class Workers:
    """How many workers; 0 for all of them."""

    count: Annotated[int, "a whole number from 0 (all) up"] = 0


class TerminateInstances(Fault):
    """SIGKILL of instances or workers; Auto Scaling replaces them."""

    name = "terminate_instances"
    action = "ec2/terminate-instances"
    domain = "instance"
    client = "statedrill.faults.ec2.terminate_instances"
    description = "SIGKILL to one or several instances, chosen by the seed, by zone or by id"
    arguments: ClassVar[type] = Choice

    def __init__(self, target: FaultTarget, arguments: Choice) -> None:
        self._aim(target, chosen(target, arguments), "instance")

    def _aim(self, target: FaultTarget, instances: Sequence[Instance], noun: str) -> None:
        self._target, self._instances = target, instances
        self.targets = [each.id for each in instances]
        were = "was" if len(instances) == 1 else "were"
        self.phrase = f"{in_words(len(instances), noun)} {were} killed"

    @override
    def inject(self) -> None:
        self._target.kill_instances(self.targets)

    @override
    def prove(self) -> Proof:
        """Each process is gone and its port refuses."""
        proved, sentences = True, []
        for each in self._instances:
            gone, refuses = not each.process.alive, not each.accepts_connections()
            proved = proved and gone and refuses
            sentences.append(
                f"{each.id} (pid {each.process.pid}) is {'gone' if gone else 'still there'} and "
                f"{each.address}:{each.port} {'refuses' if refuses else 'accepts'} connections"
            )
        return Proof(proved, "; ".join(sentences))

    @override
    def is_over(self) -> bool:
        return self._target.instances_are_healthy()


class TerminateWorkers(TerminateInstances):
    """SIGKILL of workers; what they had received and not deleted comes again."""

    name = "terminate_workers"
    action = "ec2/terminate-workers"
    client = "statedrill.faults.ec2.terminate_workers"
    description = "SIGKILL to all workers at once, or to some, in the middle of what they do"
    arguments = Workers

    def __init__(self, target: FaultTarget, arguments: Workers) -> None:
        group = cast(InstanceGroup, target.workers())
        workers = group.choose(arguments.count or len(group.in_service()))
        if not workers:
            raise ControlError("no worker is in service", "wait until one is")
        self._aim(target, workers, "worker")

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        if capabilities.workers:
            return ""
        return f"nothing to break: pattern {capabilities.pattern} has no workers"
