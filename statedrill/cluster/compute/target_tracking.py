"""How many instances a group should have, so that each carries what is aimed at: a pure decision.

As Auto Scaling's target tracking: out after three periods above the target, in after fifteen well
below it (a tenth), and by the largest of them. A new instance has to warm up: until then it counts
for no average, and nothing is scaled in. Knows no metric, no group and no clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

# docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html says that it scales
# in more gradually than out; the numbers of periods are those of the alarms that it creates. What
# instances do that warm up: ec2-auto-scaling-default-instance-warmup.html, beside it.
PERIODS_OUT, PERIODS_IN = 3, 15
_WELL_BELOW = 0.9


class Load(NamedTuple):
    """What one instance in service carried in a period; `is_warm`: it was there long before."""

    carried: float
    is_warm: bool


class Reading(NamedTuple):
    """What each of `instances` carried in one period, on average.

    `is_settled`: all of them were warm, and as many as desired.
    """

    instances: int
    value: float
    is_settled: bool = True


def reading(loads: Sequence[Load], desired: int) -> Reading | None:
    """The reading of a period; None while no instance in service is warm."""
    warm = [each.carried for each in loads if each.is_warm]
    if not warm:
        return None
    settled = len(warm) == len(loads) == desired
    return Reading(len(loads), sum(warm) / len(warm), settled)


@dataclass(frozen=True)
class TargetTracking:
    """`target` is what one instance should carry; the group has from `least` to `most` of them."""

    target: float
    least: int
    most: int

    def desired(self, readings: Sequence[Reading], now: int) -> int:
        """How many there should be, with `now` desired; `readings` since the last change."""
        recent = readings[-PERIODS_OUT:]
        if len(recent) == PERIODS_OUT and all(each.value > self.target for each in recent):
            return max(now, self._clamped(self._needed(recent[-1])))
        long = readings[-PERIODS_IN:]
        well_below = _WELL_BELOW * self.target
        low = [each for each in long if each.is_settled and each.value < well_below]
        if len(low) == PERIODS_IN:
            return min(now, self._clamped(max(self._needed(each) for each in long)))
        return now

    def _needed(self, reading: Reading) -> int:
        return math.ceil(reading.instances * reading.value / self.target)

    def _clamped(self, wanted: int) -> int:
        return max(self.least, min(wanted, self.most))
