"""Keeps a group at the size that target tracking wants: reads a counter of each instance in turn.

Knows a group and counters that only grow; what they count, and what follows from it, is elsewhere.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import psutil

from statedrill.cluster.compute.auto_scaling_group import AutoScalingGroup
from statedrill.cluster.compute.target_tracking import Load, Reading, TargetTracking, reading
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.routing.load_balancer import LoadBalancer
from statedrill.errors import ClusterError
from statedrill.history.events import Emit
from statedrill.inputs.pattern import Application
from statedrill.inputs.timings import Timings

Counters = Callable[[], Mapping[str, float]]
"""What each instance has carried so far, by id."""


class Scaler:
    """In every period reads `counters`, and gives `group` the number that `tracking` wants.

    An instance is warm when it has been in service for `scaling_warmup_s`, or since the start.
    """

    def __init__(
        self,
        group: AutoScalingGroup,
        tracking: TargetTracking,
        counters: Counters,
        timings: Timings,
        emit: Emit,
    ) -> None:
        self._group, self._tracking, self._counters = group, tracking, counters
        self._period_s, self._warmup_s = timings.scaling_period_s, timings.scaling_warmup_s
        self._emit = emit
        self._first: frozenset[str] = frozenset()
        self._before: Mapping[str, float] = {}
        self._readings: list[Reading] = []
        self._enough: int | None = None  # instances while a change of its own is under way
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scaler", daemon=True)

    def start(self) -> None:
        """Begin to read; the instances of now are warm."""
        self._first = frozenset(each.id for each in self._group.in_service())
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
        self._forget_what_is_done()
        return self._enough is not None and len(self._group.in_service()) >= self._enough

    def step(self) -> None:
        """Read what the period that ends now has brought, and change the group where due."""
        try:
            now = self._counters()
        except ClusterError:
            return  # who counts is being restarted: this period is lost
        before, self._before = self._before, now
        was = self._group.desired
        found = reading(list(self._loads(before, now)), was)
        if found is None:
            return
        self._readings.append(found)
        desired = self._tracking.desired(self._readings, was)
        if desired != was:
            self._readings = []
            self._forget_what_is_done()
            self._group.set_desired(desired)
            self._enough = min(self._enough or was, desired)
            self._emit(
                "scaling",
                role=self._group.template.role,
                was=was,
                desired=desired,
                why=f"{found.value:.3g} per instance, with a target of {self._tracking.target:g}",
            )

    def _forget_what_is_done(self) -> None:
        if self._group.is_complete():
            self._enough = None

    def _loads(self, before: Mapping[str, float], now: Mapping[str, float]) -> Iterator[Load]:
        for each in self._group.in_service():
            # A counter that begins anew (its owner was restarted) has counted nothing.
            carried = max(0.0, now.get(each.id, 0.0) - before.get(each.id, 0.0))
            warm = each.id in self._first or time.monotonic() - each.since_s >= self._warmup_s
            counted = each.id in before.keys() & now.keys()
            yield Load(carried / self._period_s, warm and counted)

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
        context.timings,
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
