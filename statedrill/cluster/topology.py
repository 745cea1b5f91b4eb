"""A pattern's parts, made from its file and started in parallel.

Knows which parts a pattern has and what each tells the application; knows neither faults nor the
control address.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import statedrill
from statedrill.cluster.compute.auto_scaling_group import AutoScalingGroup, instance_ids
from statedrill.cluster.compute.instance import Template
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.routing.endpoints import Endpoints
from statedrill.cluster.routing.load_balancer import LoadBalancer
from statedrill.cluster.services.ministack import MiniStack
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.errors import ClusterError
from statedrill.inputs.pattern import Pattern
from statedrill.processes.parallel import in_parallel

_POLL_S = 0.1
_START_ENDS_S = 5.0


class Service(Protocol):
    """What the managed services have in common."""

    def start(self) -> None:
        """Start it; returns when it answers."""

    def is_healthy(self) -> bool:
        """Whether it has all its nodes and answers."""

    def restore(self) -> None:
        """Bring back what is missing."""

    def stop(self) -> None:
        """End it at once."""


class Topology:
    """Load balancer, instances, workers and services of one pattern, and the zones they are in."""

    def __init__(self, pattern: Pattern, context: ClusterContext, seed: int) -> None:
        self.context = context
        self.zones_down: set[str] = set()
        self._stopping = False
        self._starting: list[threading.Thread] = []
        wants = pattern.services
        names = [name for name in ("database", "cache") if name in wants]
        self.endpoints = Endpoints(context, names) if names else None
        self.database: MultiAzDatabase | None = None
        self.cache: ReplicationGroup | None = None
        if self.endpoints and "database" in wants:
            self.database = MultiAzDatabase(context, self.endpoints)
        if self.endpoints and "cache" in wants:
            self.cache = ReplicationGroup(context, self.endpoints)
        self.aws: MiniStack | None = None
        self.has_queue = "queue" in wants
        if self.has_queue or "storage" in wants:
            self.aws = MiniStack(context, storage="storage" in wants, queue=self.has_queue)
        self.balancer = LoadBalancer(
            context,
            stickiness=pattern.load_balancer.stickiness,
            health=pattern.application.health,
            targets=instance_ids(seed, "instance"),
        )
        self.instances, self.workers = self._groups(pattern, seed)

    def start(self) -> None:
        """Start everything in parallel; returns when everything is ready.

        Raises:
            ClusterError: the first process that did not start; others may still be starting.
        """
        first: dict[str, Callable[[], None]] = {"load balancer": self.balancer.start}
        if self.endpoints:
            first["endpoints"] = self.endpoints.start
        in_parallel(first, self._starting)
        # The application is started alongside its services: it waits for them by itself.
        then: dict[str, Callable[[], None]] = {n: s.start for n, s in self.services().items()}
        then["application"] = self.instances.start
        if self.workers:
            then["workers"] = self.workers.start
        in_parallel(then, self._starting)

    def services(self) -> dict[str, Service]:
        """The managed services that the pattern uses, by name."""
        named = {"database": self.database, "cache": self.cache, "storage and queue": self.aws}
        return {name: service for name, service in named.items() if service}

    def groups(self) -> list[AutoScalingGroup]:
        """The group of instances, and that of workers if there is one."""
        return [self.instances, *([self.workers] if self.workers else [])]

    def missing(self) -> list[str]:
        """What keeps the cluster from being whole, in words; empty when it is whole."""
        lacking = [f"zone {zone} is down" for zone in sorted(self.zones_down)]
        for group in self.groups():
            if not group.is_healthy():
                have, want = len(group.in_service()), group.desired
                lacking.append(f"{group.template.role}s: {have} of {want} in service")
        lacking += [name for name, service in self.services().items() if not service.is_healthy()]
        if self.endpoints and not self.endpoints.is_healthy():
            lacking.append("endpoints")
        return lacking

    def wait_until_healthy(self, deadline: float) -> None:
        """Return when the cluster is whole.

        Raises:
            ClusterError: it is not by `deadline` (monotonic seconds), or it is being stopped; says
                what is missing.
        """
        while lacking := self.missing():
            if self._stopping or time.monotonic() > deadline:
                raise ClusterError(
                    f"the cluster is not whole again: {'; '.join(lacking)}",
                    f"logs: {self.context.registry.logs}",
                )
            time.sleep(_POLL_S)

    def zone_down(self, zone: str) -> None:
        """Everything in the zone dies at once, and nothing starts there any more."""
        self.zones_down.add(zone)
        parts = (*self.groups(), self.database, self.cache)
        in_parallel({f"{zone}-{n}": partial(p.zone_down, zone) for n, p in enumerate(parts) if p})
        for process in self.context.registry.alive(zone):
            process.kill()

    def zone_up(self, zone: str) -> None:
        """The zone is back, empty-handed; each part fills it at its own pace."""
        for part in (self.database, self.cache, *self.groups()):
            if part:
                part.zone_up(zone)
        self.zones_down.discard(zone)

    def restore(self) -> None:
        """Bring every zone back and every service to its full number, without their delays.

        Raises:
            ClusterError: the first service that could not be healed.
        """
        for zone in sorted(self.zones_down):
            self.zone_up(zone)
        healing: dict[str, Callable[[], None]] = {
            name: service.restore for name, service in self.services().items()
        }
        if self.endpoints:
            self.endpoints.restore()
        in_parallel(healing)

    def stop(self) -> None:
        """End every process, services without asking; idempotent, safe at any stage of a start."""
        self._stopping = True
        for group in self.groups():
            group.close()
        in_parallel({name: service.stop for name, service in self.services().items()})
        self.context.registry.close()
        for group in self.groups():
            group.join()
        # A start under way finds its processes gone and ends; until then it may write data.
        deadline = time.monotonic() + _START_ENDS_S
        for thread in self._starting:
            thread.join(max(0.0, deadline - time.monotonic()))

    def nodes(self) -> list[dict[str, object]]:
        """Every node of database and cache: service, name, zone, role, alive."""
        return [
            {"service": service, "name": name, "zone": zone, "role": role, "alive": alive}
            for service, pair in (("database", self.database), ("cache", self.cache))
            if pair
            for name, zone, role, alive in pair.nodes()
        ]

    def environment(self) -> dict[str, str]:
        """What the services tell the application; known before anything is started."""
        env: dict[str, str] = {}
        if self.database:
            env["DATABASE_URL"] = self.database.url
        if self.cache:
            env["CACHE_URL"] = self.cache.url
        if self.aws:
            env.update(self.aws.environment())
        return env

    def _groups(
        self, pattern: Pattern, seed: int
    ) -> tuple[AutoScalingGroup, AutoScalingGroup | None]:
        application, workers = pattern.application, pattern.workers
        cwd, env = pattern.path.parent.resolve(), {**self.environment(), **application.env}

        def template(role: str, command: tuple[str, ...], env: Mapping[str, str]) -> Template:
            expanded, more = _expanded(command)
            return Template(role, expanded, cwd, application.health, {**more, **env})

        instances = AutoScalingGroup(
            self.context,
            template("instance", application.command, env),
            application.instances,
            seed,
            self.balancer,
        )
        if not workers:
            return instances, None
        worker = template("worker", workers.command, {**env, **workers.env})
        return instances, AutoScalingGroup(self.context, worker, workers.count, seed)


def _expanded(command: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """`python` is the Python that runs this, which also finds what lies beside this package."""
    if command[0] != "python":
        return command, {}
    beside = str(Path(statedrill.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), beside)))
    return (sys.executable, *command[1:]), {"PYTHONPATH": path}
