"""The Auto Scaling group: keeps a number of instances alive over the zones that are up.

Does what `scaling_decisions.decide` says: launches, replaces after detection and boot delay, scales
in and out, refreshes, and rebalances after a zone's return. Knows nothing of faults.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from statedrill.cluster.compute.group_volumes import GroupVolumes
from statedrill.cluster.compute.instance import Instance, Template, build, instance_ids
from statedrill.cluster.compute.scaling_decisions import (
    ACTIVE,
    Action,
    FinishRebalance,
    GroupState,
    InstanceState,
    Launch,
    Reap,
    TerminateOneOf,
    TerminateOutdated,
    TerminateUnhealthy,
    decide,
)
from statedrill.cluster.compute.target_group import TargetGroup
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import ZONES
from statedrill.errors import ClusterError
from statedrill.processes.parallel import in_parallel

READY_TIMEOUT_S = 30.0
STOP_GRACE_S = 5.0

_TICK_S = 0.05


class AutoScalingGroup:
    """Keeps `desired` instances of a template, with their `volumes`, registered with `targets`.

    Their ids are `instance_ids(seed, role)` in turn; when they are used up nothing is launched any
    more. One thread decides every 50 ms; each launch and each termination has a thread of its own.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a group is made of that much
        self,
        context: ClusterContext,
        template: Template,
        desired: int,
        seed: int,
        targets: TargetGroup | None = None,
        volumes: GroupVolumes | None = None,
    ) -> None:
        self.template, self.desired = template, desired
        self._ids = instance_ids(seed, template.role)[::-1]  # the next one is the last
        self._context, self._timings = context, context.timings
        self._targets, self._volumes = targets or TargetGroup(), volumes
        self._unhealthy: Mapping[str, float] = {}
        self._chance = random.Random(f"{template.role} choices {seed}")
        self._lock = threading.RLock()
        self._instances: list[Instance] = []
        self._down: set[str] = set()
        self._outdated: frozenset[str] = frozenset()
        self._rebalance_at_s: float | None = None
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Launch all instances at once, without boot delay, and wait until they are in service.

        Raises:
            ClusterError: one of them died or was not ready in time, with its last log lines.
        """
        with self._lock:
            made = [
                self._new(self._state().emptiest_zone() or ZONES[0]) for _ in range(self.desired)
            ]
        in_parallel({one.id: partial(self._launch, one) for one in made})
        self._in_thread(self._reconcile)

    def close(self) -> None:
        """Launch nothing any more; the processes are the registry's to end."""
        self._closing.set()
        if self._volumes:
            self._volumes.close()

    def join(self) -> None:
        """Wait for the threads, after `close` and after the processes have ended."""
        for thread in self._threads:
            thread.join()

    def instances(self) -> list[Instance]:
        """Every instance that was not terminated yet, by id."""
        with self._lock:
            return sorted(self._instances, key=lambda one: one.id)

    def in_service(self, zone: str | None = None) -> list[Instance]:
        """The instances that do their work now, by id; in one zone or in all."""
        return [i for i in self.instances() if i.in_service and zone in (None, i.zone)]

    def choose(self, count: int, zone: str | None = None) -> list[Instance]:
        """`count` instances in service (or as many as there are) by the seeded chance."""
        candidates = self.in_service(zone)
        return self._chance.sample(candidates, min(count, len(candidates)))

    def is_complete(self) -> bool:
        """Whether the desired number is in service, and nothing is under way."""
        with self._lock:
            return self._state().is_complete()

    def is_healthy(self) -> bool:
        """Whether it is complete, and the load balancer finds all of it healthy."""
        return self.is_complete() and self._targets.is_healthy()

    def set_desired(self, desired: int) -> None:
        """Launch or terminate until `desired` instances are there; who leaves is drained first."""
        with self._lock:
            self.desired = desired

    def start_refresh(self) -> None:
        """Replace every instance of now by a new one, one by one: launch, drain, terminate."""
        with self._lock:
            self._outdated = frozenset(each.id for each in self._instances if each.state in ACTIVE)

    def cancel_refresh(self) -> None:
        """Replace no more; what was replaced stays so."""
        self._outdated = frozenset()

    def kill(self, instance: Instance) -> None:
        """SIGKILL one instance, without warning; returns when its process is gone."""
        instance.process.forbid()
        instance.process.kill()
        instance.process.wait_gone()
        self._died(instance)

    def zone_down(self, zone: str) -> None:
        """Every instance of the zone dies at once, and none is launched there."""
        with self._lock:
            self._down.add(zone)
            gone = [i for i in self._instances if i.zone == zone]
            for instance in gone:
                instance.process.forbid()
                instance.process.kill()
        for instance in gone:
            instance.process.wait_gone()
            self._died(instance)

    def zone_cut_off(self, zone: str) -> None:
        """None is launched in the zone until `zone_up`; those that run there go on."""
        with self._lock:
            self._down.add(zone)

    def zone_up(self, zone: str) -> None:
        """Instances may be launched in the zone again; rebalance after the delay."""
        with self._lock:
            if zone in self._down:
                self._down.discard(zone)
                self._rebalance_at_s = time.monotonic() + self._timings.rebalance_delay_s

    def restart(self, rolling: bool = False) -> None:
        """Stop and start the process of every instance in service, one by one or all at once.

        Raises:
            ClusterError: one of them did not come back.
        """
        chosen = self.in_service()
        if rolling:
            for one in chosen:
                self._restart(one)
        else:
            in_parallel({one.id: partial(self._restart, one) for one in chosen})

    def _restart(self, instance: Instance) -> None:
        with self._lock:
            if not instance.in_service:
                return
            instance.transition(InstanceState.LAUNCHING)
        self._targets.deregister(instance, 0)
        instance.process.stop(STOP_GRACE_S)
        self._bring_up(instance)

    def _state(self) -> GroupState:
        """What decisions are made from."""
        return GroupState(
            members=tuple(
                each.as_member(each.id in self._outdated, self._unhealthy.get(each.target))
                for each in self._instances
            ),
            desired=self.desired,
            zones=tuple(zone for zone in ZONES if zone not in self._down),
            ids_left=len(self._ids),
            detection_s=self._timings.instance_detection_s,
            rebalance_at_s=self._rebalance_at_s,
            volumes=self._volumes.states() if self._volumes else None,
        )

    def _reconcile(self) -> None:
        """The group's own loop: one decision every tick."""
        while not self._closing.wait(_TICK_S):
            self._unhealthy = self._targets.unhealthy_since_s(time.monotonic())
            # A refused start (the cluster is being stopped) has been reported by its process.
            with self._lock, contextlib.suppress(ClusterError):
                for action in decide(self._state(), time.monotonic()):
                    self._perform(action)

    def _perform(self, action: Action) -> None:
        by_id = {each.id: each for each in self._instances}
        match action:
            case Reap(id=instance_id):
                self._terminated(by_id[instance_id])
            case TerminateUnhealthy(id=instance_id):
                hanging = by_id[instance_id]
                hanging.transition(
                    InstanceState.TERMINATING, "the load balancer found it unhealthy"
                )
                self._in_thread(lambda: self._terminate(hanging, drained=False))
            case Launch(zone=zone, volume=volume):
                launched = self._new(zone, volume)
                self._in_thread(lambda: self._boot(launched))
            case TerminateOneOf(ids=ids):
                victim = by_id[self._chance.choice(ids)]
                if self._volumes:
                    self._volumes.keep(victim)
                self._terminate_drained(victim)
            case TerminateOutdated(id=instance_id):
                self._terminate_drained(by_id[instance_id])
            case FinishRebalance():
                self._rebalance_at_s = None

    def _terminate_drained(self, instance: Instance) -> None:
        instance.transition(InstanceState.TERMINATING)
        self._in_thread(lambda: self._terminate(instance))

    def _new(self, zone: str, volume_id: str | None = None) -> Instance:
        instance_id = self._ids.pop()
        volume = self._volumes.give(instance_id, zone, volume_id) if self._volumes else None
        instance = build(self.template, instance_id, zone, self._context, self._died, volume)
        self._instances.append(instance)
        instance.transition(InstanceState.LAUNCHING)
        return instance

    def _boot(self, instance: Instance) -> None:
        if self._closing.wait(self._timings.instance_boot_s):
            return
        # The process has reported what went wrong; the group tries again with a new instance.
        with contextlib.suppress(ClusterError):
            self._launch(instance)

    def _launch(self, instance: Instance) -> None:
        self._bring_up(instance, self._volumes)

    def _bring_up(self, instance: Instance, volumes: GroupVolumes | None = None) -> None:
        try:
            if volumes and instance.state in ACTIVE:
                volumes.attach(instance)
            instance.process.start(READY_TIMEOUT_S)
            self._targets.register(instance)
            with self._lock:  # one step: for an instance that is ready, another may be terminated
                self._set_state(instance, InstanceState.READY)
                if self._targets.registers:
                    self._set_state(instance, InstanceState.REGISTERED)
        except ClusterError:
            self._died(instance)
            raise

    def _set_state(self, instance: Instance, state: InstanceState) -> None:
        with self._lock:
            if instance.state in ACTIVE:
                instance.transition(state)

    def _terminate(self, instance: Instance, *, drained: bool = True) -> None:
        delay_s = self._timings.deregistration_delay_s if drained else 0.0
        self._targets.deregister(instance, delay_s)
        instance.process.retire(STOP_GRACE_S if drained else 0.0)
        self._terminated(instance)

    def _died(self, instance: Instance) -> None:
        self._set_state(instance, InstanceState.DEAD)

    def _terminated(self, instance: Instance) -> None:
        self._targets.deregister(instance, 0)
        with self._lock:
            if self._volumes:
                self._volumes.take_back(instance)
            instance.transition(InstanceState.TERMINATED)
            self._instances.remove(instance)

    def _in_thread(self, job: Callable[[], None]) -> None:
        thread = threading.Thread(target=job, name=f"{self.template.role}s", daemon=True)
        self._threads.append(thread)
        thread.start()
