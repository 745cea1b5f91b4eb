"""Instances die at once, without any warning to them or to the load balancer.

Named after `terminate_instances` of chaosaws.ec2.actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.errors import ControlError
from statedrill.faults.base import Fault, FaultTarget, Instance, Proof, zone_named

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")


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


@dataclass(frozen=True)
class Arguments:
    """Which instances: those named, or `count` of them, drawn in `zone` or anywhere."""

    instance_ids: Annotated[tuple[str, ...], "a list of instance ids"] = ()
    zone: Annotated[str, "the name of a zone"] = ""
    count: Annotated[int, "a whole number from 1 up"] = 1


class TerminateInstances(Fault):
    """SIGKILL of instances or workers; Auto Scaling replaces them."""

    name = "terminate_instances"
    action = "ec2/terminate-instances"
    domain = "instance"
    client = "statedrill.faults.ec2.terminate_instances"
    description = "SIGKILL to one or several instances, chosen by the seed, by zone or by id"
    arguments = Arguments

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._target = target
        self._instances = _chosen(target, arguments)
        self.targets = [each.id for each in self._instances]
        count = len(self.targets)
        number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
        self.phrase = f"{number} instance{' was' if count == 1 else 's were'} killed"

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


def _chosen(target: FaultTarget, arguments: Arguments) -> list[Instance]:
    if arguments.instance_ids:
        known = {each.id: each for each in target.in_service()}
        if unknown := [each for each in arguments.instance_ids if each not in known]:
            raise ControlError(
                f"not in service: {', '.join(unknown)}",
                f"in service are: {', '.join(sorted(known)) or 'none'}",
            )
        return [known[each] for each in dict.fromkeys(arguments.instance_ids)]
    if arguments.count < 1:
        raise ControlError(f"Count is {arguments.count}", "give a whole number from 1 up")
    zone = zone_named(arguments.zone, target.capabilities) if arguments.zone else None
    chosen = target.choose_instances(arguments.count, zone)
    if not chosen:
        where = f" in zone {zone}" if zone else ""
        raise ControlError(f"no instance is in service{where}", "wait until one is")
    return list(chosen)
