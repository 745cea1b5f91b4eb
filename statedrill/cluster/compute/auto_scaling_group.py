"""The Auto Scaling group: keeps a number of instances alive over the zones that are up.

Launches into the least populated zone, replaces what died after detection and boot delay, and
rebalances after a zone's return by launching before it terminates. Knows nothing of faults.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from statedrill.cluster.compute.instance import (
    ACTIVE,
    DEAD,
    LAUNCHING,
    READY,
    REGISTERED,
    TERMINATED,
    TERMINATING,
    Instance,
    Template,
    build,
)
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import ZONES
from statedrill.cluster.routing.load_balancer import LoadBalancer
from statedrill.errors import ClusterError
from statedrill.processes.parallel import in_parallel

READY_TIMEOUT_S = 30.0
STOP_GRACE_S = 5.0

_TICK_S = 0.05
_MOST_INSTANCES = 200


def instance_ids(seed: int, role: str) -> list[str]:
    """The ids that instances of a role will have, in turn: `i-` and 8 hex digits."""
    chance = random.Random(f"{role} ids {seed}")
    return [f"i-{chance.getrandbits(32):08x}" for _ in range(_MOST_INSTANCES)]


class AutoScalingGroup:
    """Keeps `desired` instances of a template; with a `balancer` they are registered there.

    Their ids are `instance_ids(seed, role)` in turn; when they are used up nothing is launched any
    more. One thread decides every 50 ms; each launch and each termination has a thread of its own.
    """

    def __init__(
        self,
        context: ClusterContext,
        template: Template,
        desired: int,
        seed: int,
        balancer: LoadBalancer | None = None,
    ) -> None:
        self.template, self.desired = template, desired
        self._ids = iter(instance_ids(seed, template.role))
        self._context, self._timings = context, context.timings
        self._balancer = balancer
        self._chance = random.Random(f"{template.role} choices {seed}")
        self._changed = threading.Condition(threading.RLock())
        self._instances: list[Instance] = []
        self._down: set[str] = set()
        self._rebalance_at: float | None = None
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Launch all instances at once, without boot delay, and wait until they are in service.

        Raises:
            ClusterError: one of them died or was not ready in time, with its last log lines.
        """
        with self._changed:
            made = [self._new() for _ in range(self.desired)]
        in_parallel({one.id: partial(self._bring_up, one) for one in made})
        self._in_thread(self._reconcile)

    def close(self) -> None:
        """Launch nothing any more; the processes are the registry's to end."""
        self._closing.set()

    def join(self) -> None:
        """Wait for the threads, after `close` and after the processes have ended."""
        for thread in self._threads:
            thread.join()

    def instances(self) -> list[Instance]:
        """Every instance that was not terminated yet, by id."""
        with self._changed:
            return sorted(self._instances, key=lambda one: one.id)

    def in_service(self, zone: str | None = None) -> list[Instance]:
        """The instances that do their work now, by id; in one zone or in all."""
        return [i for i in self.instances() if i.in_service and zone in (None, i.zone)]

    def choose(self, count: int, zone: str | None = None) -> list[Instance]:
        """`count` instances in service (or as many as there are) by the seeded chance."""
        candidates = self.in_service(zone)
        return self._chance.sample(candidates, min(count, len(candidates)))

    def is_healthy(self) -> bool:
        """Whether the desired number is in service and healthy, and nothing is under way."""
        with self._changed:
            at_work = [i for i in self._instances if i.in_service]
            if len(at_work) != self.desired or len(self._instances) != self.desired:
                return False
            if self._rebalance_at is not None:
                return False
        return self._balancer is None or self._balancer.is_healthy()

    def kill(self, instance: Instance) -> None:
        """SIGKILL one instance, without warning; returns when its process is gone."""
        instance.process.forbid()
        instance.process.kill()
        instance.process.wait_gone()
        self._died(instance)

    def zone_down(self, zone: str) -> None:
        """Every instance of the zone dies at once, and none is launched there."""
        with self._changed:
            self._down.add(zone)
            gone = [i for i in self._instances if i.zone == zone]
            for instance in gone:
                instance.process.forbid()
                instance.process.kill()
        for instance in gone:
            instance.process.wait_gone()
            self._died(instance)

    def zone_up(self, zone: str) -> None:
        """Instances may be launched in the zone again; rebalance after the delay."""
        with self._changed:
            if zone in self._down:
                self._down.discard(zone)
                self._rebalance_at = time.monotonic() + self._timings.rebalance_delay_s

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
        with self._changed:
            if not instance.in_service:
                return
            instance.transition(LAUNCHING)
        if self._balancer:
            self._balancer.deregister(instance.id, 0)
        instance.process.stop(STOP_GRACE_S)
        self._bring_up(instance)

    def _reconcile(self) -> None:
        """The group's own loop: one look at the world every tick."""
        while not self._closing.wait(_TICK_S):
            with self._changed, contextlib.suppress(ClusterError):  # said: the cluster goes down
                self._reap()
                self._replace()
                self._rebalance()

    def _reap(self) -> None:
        """Forget what has been dead for so long that it is noticed."""
        noticed = time.monotonic() - self._timings.instance_detection_s
        for instance in [i for i in self._instances if i.state == DEAD and i.since <= noticed]:
            self._terminated(instance)

    def _replace(self) -> None:
        population = [i for i in self._instances if i.state != TERMINATING]
        for _ in range(self.desired - len(population)):
            if self._zones():
                self._launch()

    def _rebalance(self) -> None:
        if self._rebalance_at is None or time.monotonic() < self._rebalance_at:
            return
        population = self._population()
        if not population or any(not i.in_service for i in self._instances):
            return
        if len(self._instances) > self.desired:
            fullest = max(population, key=lambda zone: population[zone])
            victim = self._chance.choice(self.in_service(fullest))
            victim.transition(TERMINATING)
            self._in_thread(lambda: self._terminate(victim))
        elif max(population.values()) - min(population.values()) > 1:
            self._launch()
        else:
            self._rebalance_at = None

    def _launch(self) -> None:
        with contextlib.suppress(StopIteration):
            instance = self._new()
            self._in_thread(lambda: self._boot(instance))

    def _new(self) -> Instance:
        population = self._population()
        zone = min(population, key=lambda zone: population[zone])
        instance = build(self.template, next(self._ids), zone, self._context, self._died)
        self._instances.append(instance)
        instance.transition(LAUNCHING)
        return instance

    def _boot(self, instance: Instance) -> None:
        if self._closing.wait(self._timings.instance_boot_s):
            return
        # What went wrong was told by the process; the group tries again with a new instance.
        with contextlib.suppress(ClusterError):
            self._bring_up(instance)

    def _bring_up(self, instance: Instance) -> None:
        try:
            instance.process.start(READY_TIMEOUT_S)
            self._set_state(instance, READY)
            if self._balancer:
                self._balancer.register(instance.id, instance.address, instance.port)
                self._set_state(instance, REGISTERED)
        except ClusterError:
            self._died(instance)
            raise

    def _set_state(self, instance: Instance, state: str) -> None:
        with self._changed:
            if instance.state in ACTIVE:
                instance.transition(state)

    def _terminate(self, instance: Instance) -> None:
        if self._balancer:
            self._balancer.deregister(instance.id, self._timings.deregistration_delay_s)
        instance.process.retire(STOP_GRACE_S)
        self._terminated(instance)

    def _died(self, instance: Instance) -> None:
        with self._changed:
            if instance.state in ACTIVE:
                instance.transition(DEAD)

    def _terminated(self, instance: Instance) -> None:
        if self._balancer:
            self._balancer.deregister(instance.id, 0)
        with self._changed:
            instance.transition(TERMINATED)
            self._instances.remove(instance)

    def _zones(self) -> list[str]:
        return [zone for zone in ZONES if zone not in self._down]

    def _population(self) -> dict[str, int]:
        counted = Counter(i.zone for i in self._instances if i.state in ACTIVE)
        return {zone: counted[zone] for zone in self._zones()}

    def _in_thread(self, job: Callable[[], None]) -> None:
        thread = threading.Thread(target=job, name=f"{self.template.role}s", daemon=True)
        self._threads.append(thread)
        thread.start()
