"""Instances get slow: they live and answer their health checks, and have less processor time.

A gray failure: what a burstable EC2 instance does without CPU credits, or one with a noisy
neighbour. The processes stand still for a part of every tenth of a second.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Any

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ControlError
from statedrill.faults.base import Fault, FaultTarget, Proof
from statedrill.faults.chosen_instances import Choice, chosen, in_words
from statedrill.faults.parts import Instance

_LOOKS = 50
_LOOK_S = 0.01


def throttle_cpu(
    instance_ids: list[str] | None = None,
    az: str | None = None,
    count: int | None = None,
    percent: int | None = None,
) -> dict[str, Any]:
    """Leave instances `percent` (by default 20) of their processor time, until `unthrottle_cpu`.

    Without arguments one registered instance is drawn by the drill's seed; `az` restricts the
    draw to a zone, `count` draws several.

    Raises:
        ControlFailure: no such instance, or it was not seen to stand still that often.
    """
    return fault(
        ThrottleCpu.action, InstanceIds=instance_ids, Zone=az, Count=count, Percent=percent
    )


def unthrottle_cpu() -> dict[str, Any]:
    """Every throttled instance gets all of its processor time again."""
    return call(ThrottleCpu.end_action)


@dataclass(frozen=True)
class Arguments(Choice):
    """Which instances, and what share of their processor time they keep."""

    percent: Annotated[int, "a whole number from 1 to 99"] = 20


class ThrottleCpu(Fault):
    """Nothing replaces a slow instance: it is over when it was undone, or the instance is gone."""

    name = "throttle_cpu"
    action = "ec2/throttle-cpu"
    end_action = "ec2/unthrottle-cpu"
    domain = "instance"
    client = "statedrill.faults.ec2.throttle_cpu"
    description = "instances get Percent (20) of their processor time: slow, not dead"
    arguments = Arguments

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        if not 1 <= arguments.percent <= 99:
            raise ControlError(
                f"Percent is {arguments.percent}", "give a whole number from 1 to 99"
            )
        self._target, self._share = target, arguments.percent / 100
        self._instances = chosen(target, arguments)
        self.targets = [each.id for each in self._instances]
        self.phrase = f"{in_words(len(self.targets))} got slow"

    @override
    def inject(self) -> None:
        for each in self._instances:
            each.throttle_cpu(self._share)

    @override
    def prove(self) -> Proof:
        """Each is seen standing still at least half as often as planned."""
        still = dict.fromkeys(self.targets, 0)
        for _ in range(_LOOKS):
            time.sleep(_LOOK_S)
            for each in self._instances:
                still[each.id] += each.process.frozen
        enough = (1 - self._share) / 2 * _LOOKS
        return Proof(
            all(seen >= enough for seen in still.values()),
            "; ".join(
                f"{self._named(i)} stood still at {still[i.id]} of {_LOOKS} looks"
                for i in self._instances
            ),
        )

    @override
    def is_over(self) -> bool:
        throttled = any(each.throttled for each in self._instances)
        return not throttled and self._target.instances_are_healthy()

    @override
    def undo(self) -> None:
        for each in self._instances:
            each.unthrottle_cpu()

    def _named(self, instance: Instance) -> str:
        return f"{instance.id} (pid {instance.process.pid})"
