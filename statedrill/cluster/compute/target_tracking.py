"""How many instances a group should have, so that each carries what is aimed at: a pure decision.

As Auto Scaling's target tracking: out after three periods above the target, in after fifteen well
below it (a tenth), and by the largest of them. Knows no metric, no group and no clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

# docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html says that it scales
# in more gradually than out; the numbers of periods are those of the alarms that it creates.
PERIODS_OUT, PERIODS_IN = 3, 15
_WELL_BELOW = 0.9


class Reading(NamedTuple):
    """What each of `instances` carried in one period, on average."""

    instances: int
    value: float


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
        if len(long) == PERIODS_IN and all(each.value < well_below for each in long):
            return min(now, self._clamped(max(self._needed(each) for each in long)))
        return now

    def _needed(self, reading: Reading) -> int:
        return math.ceil(reading.instances * reading.value / self.target)

    def _clamped(self, wanted: int) -> int:
        return max(self.least, min(wanted, self.most))
