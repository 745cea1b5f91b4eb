"""A pattern's parts, made from its file and started in parallel.

Knows that there are services, instances, workers and a load balancer, and names no service; knows
neither faults nor the control address.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from statedrill.cluster import services
from statedrill.cluster.compute import clock
from statedrill.cluster.compute.auto_scaling_group import AutoScalingGroup
from statedrill.cluster.compute.group_volumes import new_volumes
from statedrill.cluster.compute.instance import Template, expanded
from statedrill.cluster.compute.scaler import new_scaler
from statedrill.cluster.compute.target_group import TargetGroup
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.edges import Edges
from statedrill.cluster.network.impairments import NONE, Impairment
from statedrill.cluster.routing.endpoints import Endpoints
from statedrill.cluster.routing.load_balancer import LoadBalancer
from statedrill.cluster.routing.load_balancer_node import Routing
from statedrill.cluster.services.base import Service, ServiceContext
from statedrill.cluster.waiting import wait_until
from statedrill.errors import ClusterError
from statedrill.inputs.pattern import Pattern
from statedrill.processes.parallel import in_parallel
from statedrill.vocabulary import Equipment

_POLL_S = 0.1
_START_ENDS_S = 5.0


class Topology:
    """Load balancer, instances, workers and services of one pattern, and the zones they are in."""

    def __init__(self, pattern: Pattern, context: ClusterContext, seed: int) -> None:
        self.context = context
        self.zones_down: set[str] = set()
        clock.remove_leftovers()
        if Equipment.CLOCKS in context.equipment:
            clock.libfaketime()  # what is missing is said before anything starts
        self._stopping = False
        self._starting: list[threading.Thread] = []
        self.edges = self._edges(pattern)
        self.endpoints = Endpoints(context, on_move=self.edges.reconsider)
        shared = ServiceContext(context, self.endpoints, self.edges)
        self.services: list[Service] = [
            kind(shared, pattern.services[kind.key]) for kind in services.services_of(pattern)
        ]
        self.balancer = LoadBalancer(
            context,
            Routing(
                pattern.load_balancer.stickiness,
                pattern.application.health,
                pattern.load_balancer.shards,
            ),
        )
        self.instances, self.workers = self._groups(pattern, seed)
        self._size = pattern.application.instances
        self._scaler = new_scaler(context, pattern.application, self.instances, self.balancer)

    def start(self) -> None:
        """Start everything in parallel; returns when everything is ready.

        Raises:
            ClusterError: the first process that did not start; others may still be starting.
        """
        first = {
            "load balancer": self.balancer.start,
            "endpoints": self.endpoints.start,
            "edges": self.edges.start,
        }
        in_parallel(first, self._starting)
        # The application is started alongside its services: it waits for them by itself.
        then: dict[str, Callable[[], None]] = {each.key: each.start for each in self.services}
        then["application"] = self.instances.start
        if self.workers:
            then["workers"] = self.workers.start
        in_parallel(then, self._starting)
        if self._scaler:
            self._scaler.start()
        for service in self.services:
            service.cluster_is_ready()

    def service(self, key: str) -> Service | None:
        """The service with this key in pattern files; None when the pattern does not use it."""
        return next((each for each in self.services if each.key == key), None)

    def groups(self) -> list[AutoScalingGroup]:
        """The group of instances, and that of workers if there is one."""
        return [self.instances, *([self.workers] if self.workers else [])]

    def missing(self) -> list[str]:
        """What keeps the cluster from being whole, in words; empty when it is whole."""
        lacking = [f"zone {zone} is down" for zone in sorted(self.zones_down)]
        for group in self.groups():
            # A group that grows or shrinks with its load serves meanwhile.
            follows = group is self.instances and self._scaler and self._scaler.is_changing()
            if not follows and not group.is_healthy():
                have, want = len(group.in_service()), group.desired
                lacking.append(f"{group.template.role}s: {have} of {want} in service")
        lacking += [part for service in self.services for part in service.missing()]
        if not self.balancer.is_healthy():
            lacking.append("load balancer")
        if not self.endpoints.is_healthy():
            lacking.append("endpoints")
        return lacking + self.edges.missing()

    def wait_until_healthy(self, deadline: float) -> None:
        """Return when the cluster is whole.

        Raises:
            ClusterError: it is not by `deadline` (monotonic seconds), or it is being stopped; says
                what is missing.
        """
        if not wait_until(
            lambda: not self.missing(),
            deadline - time.monotonic(),
            _POLL_S,
            give_up=lambda: self._stopping,
        ):
            raise ClusterError(
                f"the cluster is not whole again: {'; '.join(self.missing())}",
                f"logs: {self.context.registry.logs}",
            )

    def zone_down(self, zone: str) -> None:
        """Everything in the zone dies at once, and nothing starts there any more."""
        self.zones_down.add(zone)
        parts: list[AutoScalingGroup | Service | LoadBalancer] = [
            *self.groups(), *self.services, self.balancer
        ]  # fmt: skip
        in_parallel({f"{zone}-{n}": partial(p.zone_down, zone) for n, p in enumerate(parts)})
        for process in self.context.registry.alive(zone):
            process.kill()
        self.edges.zone_down(zone)

    def zone_up(self, zone: str) -> None:
        """The zone is back, empty-handed; each part fills it at its own pace."""
        for service in self.services:
            service.zone_up(zone)
        self.balancer.zone_up(zone)
        for group in self.groups():
            group.zone_up(zone)
        self.zones_down.discard(zone)

    def impair_zone(self, zone: str, impairment: Impairment) -> None:
        """Slow down or cut the network of a zone: what crosses its border; NONE ends that.

        Nothing is started in a zone that is cut off.
        """
        self.edges.impair_zone(zone, impairment)
        parts: list[AutoScalingGroup | Service] = [*self.groups(), *self.services]
        for part in parts:
            if impairment.cut:
                part.zone_cut_off(zone)
            elif zone not in self.zones_down:
                part.zone_up(zone)

    def restore(self) -> None:
        """Bring every zone back and every service to its full number, without their delays.

        Raises:
            ClusterError: the first service that could not be healed.
        """
        for zone in self.edges.impaired_zones():
            self.impair_zone(zone, NONE)
        for zone in sorted(self.zones_down):
            self.zone_up(zone)
        self.balancer.restore()
        self.endpoints.restore()
        self.edges.restore()
        in_parallel({each.key: each.restore for each in self.services})

    def restore_time_s(self) -> float:
        """How long `restore` waits by design, in seconds, on top of starting processes."""
        return max((each.restore_time_s() for each in self.services), default=0.0)

    def stop(self) -> None:
        """End every process, services without asking; idempotent, safe at any stage of a start."""
        self._stopping = True
        self.suspend_scaling()
        self.balancer.close()
        for group in self.groups():
            group.close()
        in_parallel({each.key: each.stop for each in self.services})
        self.context.registry.close()
        clock.remove_leftovers()
        for group in self.groups():
            group.join()
        if self._scaler:
            self._scaler.join()
        # A start under way finds its processes gone and ends; until then it may write data.
        deadline = time.monotonic() + _START_ENDS_S
        for thread in self._starting:
            thread.join(max(0.0, deadline - time.monotonic()))

    def suspend_scaling(self) -> None:
        """Follow no metric any more: the groups keep the size that they have now."""
        if self._scaler:
            self._scaler.close()

    def resize(self) -> None:
        """Take back a planned change: the number of instances is the pattern's, or the metric's."""
        if not self._scaler:
            self.instances.set_desired(self._size)

    def nodes(self) -> list[dict[str, object]]:
        """Every node of every service: service, name, zone, role, alive."""
        return [
            {"service": service.key, **node._asdict()}
            for service in self.services
            for node in service.nodes()
        ]

    @property
    def defers_work(self) -> bool:
        """Whether a service accepts work that is done later."""
        return any(each.defers_work for each in self.services)

    def backlog(self) -> int:
        """Work that services accepted and that is not done yet.

        Raises:
            ClusterError: a service that accepts such work does not answer.
        """
        return sum(each.backlog() for each in self.services)

    def environment(self, zone: str) -> dict[str, str]:
        """What the services tell an instance in `zone`; known before anything is started."""
        return {
            name: text
            for service in self.services
            for name, text in service.environment(zone).items()
        }

    def _edges(self, pattern: Pattern) -> Edges:
        """The edges of the network, with a hop where the pattern or a fault needs one."""
        equipment, latency_s = self.context.equipment, None
        if pattern.zones:
            latency_s = pattern.zones.latency_ms / 1000
        elif Equipment.ZONE_LINKS in equipment:
            latency_s = 0.0
        return Edges(
            self.context.registry,
            self.context.network,
            latency_s,
            to_instances=Equipment.ZONE_LINKS in equipment,
            between_nodes=bool(pattern.zones) or Equipment.REPLICATION_LINKS in equipment,
            zone_of=self._zone_of,
        )

    def _zone_of(self, key: str) -> str | None:
        """The zone that a service is served from now; None when it is in no zone."""
        service = self.service(key)
        nodes = service.nodes() if service else []
        return next((node.zone for node in nodes if node.role == "primary"), None)

    def _groups(
        self, pattern: Pattern, seed: int
    ) -> tuple[AutoScalingGroup, AutoScalingGroup | None]:
        application, workers = pattern.application, pattern.workers
        cwd = pattern.path.parent.resolve()

        def template(role: str, command: tuple[str, ...], env: Mapping[str, str]) -> Template:
            whole, more = expanded(command)

            def environment(zone: str) -> dict[str, str]:
                return {**more, **self.environment(zone), **env}

            shards = pattern.load_balancer.shards and role == "instance"
            return Template(role, whole, cwd, application.health, environment, shards)

        instances = AutoScalingGroup(
            self.context,
            template("instance", application.command, application.env),
            application.instances,
            seed,
            TargetGroup(self.balancer, self.edges),
            new_volumes(self.context, application),
        )
        if not workers:
            return instances, None
        worker = template("worker", workers.command, {**application.env, **workers.env})
        return instances, AutoScalingGroup(self.context, worker, workers.count, seed)
