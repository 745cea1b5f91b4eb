"""What a scaler makes of counters: readings, and another size of its group; without processes."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from types import SimpleNamespace
from typing import Any, cast

from statedrill.cluster.compute.auto_scaling_group import AutoScalingGroup
from statedrill.cluster.compute.scaler import Scaler
from statedrill.cluster.compute.target_tracking import TargetTracking
from statedrill.errors import ClusterError
from statedrill.inputs.timings import Timings
from tests.support.events import Events

TRACKING = TargetTracking(target=10.0, least=2, most=8)
TIMINGS = replace(Timings.named("fast"), scaling_period_s=2.0, scaling_warmup_s=60.0)


class Group:
    """Two instances, complete unless a test says otherwise."""

    def __init__(self) -> None:
        self.desired, self.complete, self.ids = 2, True, ("i-1", "i-2")
        self.warm_since_s = -inf
        self.template = SimpleNamespace(role="instance")

    def in_service(self) -> list[Any]:
        return [SimpleNamespace(id=each, since_s=self.warm_since_s) for each in self.ids]

    def is_complete(self) -> bool:
        return self.complete

    def set_desired(self, desired: int) -> None:
        self.desired = desired


class Counters:
    """Grow by `per_period` for each instance whenever they are read."""

    def __init__(self, per_period: float) -> None:
        self.per_period, self.now, self.answers = per_period, 0.0, True

    def __call__(self) -> dict[str, float]:
        if not self.answers:
            raise ClusterError("it does not answer")
        self.now += self.per_period
        return {"i-1": self.now, "i-2": self.now}


def scaler(group: Group, counters: Counters, events: Events) -> Scaler:
    return Scaler(cast(AutoScalingGroup, group), TRACKING, counters, TIMINGS, events)


def test_three_periods_above_the_target_let_the_group_grow_and_say_why(events: Events) -> None:
    group = Group()
    made = scaler(group, Counters(per_period=60.0), events)
    for _ in range(3):
        made.step()
    assert (group.desired, events.seen) == (2, [])
    made.step()
    assert group.desired == 6
    (told,) = events.of("scaling", role="instance", was=2, desired=6)
    assert told["why"] == "30 per instance, with a target of 10"
    # From here on it counts anew.
    for _ in range(2):
        made.step()
    assert group.desired == 6


def test_instances_that_are_not_warm_yet_say_nothing(events: Events) -> None:
    group = Group()
    made = scaler(group, Counters(per_period=60.0), events)
    group.warm_since_s = inf
    for _ in range(9):
        made.step()
    assert group.desired == 2
    group.warm_since_s = -inf
    for _ in range(3):
        made.step()
    assert group.desired == 6
    assert len(events.of("scaling")) == 1


def test_a_group_that_follows_its_load_serves_meanwhile_unless_it_loses_instances(
    events: Events,
) -> None:
    group = Group()
    made = scaler(group, Counters(per_period=60.0), events)
    assert not made.is_changing()
    for _ in range(4):
        made.step()
    group.complete = False
    assert made.is_changing()
    group.ids = ("i-1",)
    assert not made.is_changing()
    group.ids, group.complete = ("i-1", "i-2"), True
    assert not made.is_changing()
    group.complete = False
    assert not made.is_changing()


def test_a_counter_that_is_away_or_begins_anew_has_counted_nothing(events: Events) -> None:
    group, counters = Group(), Counters(per_period=60.0)
    made = scaler(group, counters, events)
    for _ in range(3):
        made.step()
    counters.now = -60.0
    made.step()
    counters.answers = False
    made.step()
    assert (group.desired, events.seen) == (2, [])
