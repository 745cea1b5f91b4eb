"""Keeps a group at the size that target tracking wants: reads a counter of each instance in turn.

Knows a group and counters that only grow; what they count, and what follows from it, is elsewhere.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from functools import partial

import psutil

from statedrill.cluster.compute.auto_scaling_group import AutoScalingGroup
from statedrill.cluster.compute.target_tracking import Reading, TargetTracking
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.routing.load_balancer import LoadBalancer
from statedrill.errors import ClusterError
from statedrill.history.events import Emit
from statedrill.inputs.pattern import Application

Counters = Callable[[], Mapping[str, float]]
"""What each instance has carried so far, by id."""


class Scaler:
    """Every `period_s` reads `counters`, and gives `group` the number that `tracking` wants.

    A period in which instances come or go does not count: a new instance has to warm up first.
    """

    def __init__(
        self,
        group: AutoScalingGroup,
        tracking: TargetTracking,
        counters: Counters,
        period_s: float,
        emit: Emit,
    ) -> None:
        self._group, self._tracking, self._counters = group, tracking, counters
        self._period_s, self._emit = period_s, emit
        self._before: Mapping[str, float] = {}
        self._readings: list[Reading] = []
        self._enough: int | None = None  # instances while a change of its own is under way
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scaler", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Leave the group as it is from now on; idempotent."""
        self._closing.set()

    def join(self) -> None:
        """Wait for the thread, after `close`."""
        if self._thread.is_alive():
            self._thread.join()

    def is_changing(self) -> bool:
        """Whether the group still does what it was told last, and serves meanwhile."""
        if self._enough is not None and self._group.is_complete():
            self._enough = None
        return self._enough is not None and len(self._group.in_service()) >= self._enough

    def step(self) -> None:
        """Read what the period that ends now has brought, and change the group where due."""
        try:
            now = self._counters()
        except ClusterError:
            return  # who counts is being restarted: this period is lost
        before, self._before = self._before, now
        serving = {each.id for each in self._group.in_service()}
        if not self._group.is_complete() or not serving <= before.keys() & now.keys():
            return
        # A counter that begins anew (its owner was restarted) has counted nothing.
        carried = sum(max(0.0, now[each] - before[each]) for each in serving)
        self._readings.append(Reading(len(serving), carried / len(serving) / self._period_s))
        was = self._group.desired
        desired = self._tracking.desired(self._readings, was)
        if desired != was:
            value = self._readings[-1].value
            self._readings = []
            self._group.set_desired(desired)
            self._enough = min(was, desired)
            self._emit(
                "scaling",
                role=self._group.template.role,
                was=was,
                desired=desired,
                why=f"{value:.3g} per instance, with a target of {self._tracking.target:g}",
            )

    def _run(self) -> None:
        while not self._closing.wait(self._period_s):
            self.step()


def new_scaler(
    context: ClusterContext,
    application: Application,
    group: AutoScalingGroup,
    balancer: LoadBalancer,
) -> Scaler | None:
    """What makes `group` follow the metric that `application` names; None when it names none."""
    scaling = application.scaling
    if scaling is None:
        return None
    by_requests = scaling.requests_per_s is not None
    target = scaling.requests_per_s or (scaling.cpu_pct or 0.0) / 100
    return Scaler(
        group,
        TargetTracking(target, application.instances, scaling.most),
        balancer.requests if by_requests else partial(cpu_seconds, group),
        context.timings.scaling_period_s,
        context.registry.emit,
    )


def cpu_seconds(group: AutoScalingGroup) -> dict[str, float]:
    """How many seconds of a processor each instance has used so far."""
    used = {}
    for each in group.in_service():
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(each.process.pid).cpu_times()
            used[each.id] = times.user + times.system
    return used
