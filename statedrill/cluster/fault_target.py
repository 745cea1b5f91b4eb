"""What faults may see and break of the local cluster: see `FaultTarget`.

Knows the topology; knows no fault and nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from statedrill.cluster import services
from statedrill.cluster.compute.auto_scaling_group import AutoScalingGroup
from statedrill.cluster.compute.instance import Instance
from statedrill.cluster.network.addresses import ZONES
from statedrill.cluster.network.edge import Edge
from statedrill.cluster.network.impairments import NONE, Impairment
from statedrill.cluster.topology import Topology
from statedrill.faults.base import Capabilities
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.services import DatabaseOptions, QueueOptions
from statedrill.processes.parallel import in_parallel
from statedrill.processes.process import Process
from statedrill.vocabulary import Equipment


def capabilities(pattern: Pattern) -> Capabilities:
    """What there is to break when `pattern` runs on the local cluster."""
    used = {kind.key: kind for kind in services.services_of(pattern)}
    queue, database = pattern.services.get("queue"), pattern.services.get("database")
    queues = queue.queues if isinstance(queue, QueueOptions) else {}
    return Capabilities(
        pattern.name,
        ZONES,
        used,
        workers=pattern.workers is not None,
        dead_letters=tuple(name for name, each in queues.items() if each.max_receive_count),
        read_replicas=database.replicas if isinstance(database, DatabaseOptions) else 0,
        volumes=pattern.application.volume is not None,
        shards=pattern.load_balancer.shards,
        backed_up={key for key, each in pattern.services.items() if each.is_backed_up},
    )


class ClusterFaultTarget:
    """The parts of one cluster in the words of `FaultTarget`."""

    def __init__(self, pattern: Pattern, topology: Topology) -> None:
        self._topology = topology
        self.capabilities = capabilities(pattern)

    @property
    def equipment(self) -> Collection[Equipment]:
        """What the cluster was started with for faults."""
        return self._topology.context.equipment

    @property
    def zones_down(self) -> Collection[str]:
        """The zones that are down now."""
        return self._topology.zones_down

    def missing(self) -> list[str]:
        """What keeps the cluster from being healthy, in words."""
        return self._topology.missing()

    def service(self, key: str) -> object | None:
        """The service with this key, if the pattern uses it."""
        return self._topology.service(key)

    def running(self, zone: str | None = None) -> Sequence[Process]:
        """Every process that is alive, in one zone or in all."""
        return self._topology.context.registry.alive(zone)

    def group(self) -> AutoScalingGroup:
        """The group of the application's instances."""
        return self._topology.instances

    def workers(self) -> AutoScalingGroup | None:
        """The group of workers; None when the pattern has none."""
        return self._topology.workers

    def in_service(self) -> Sequence[Instance]:
        """Every instance and worker that does its work now."""
        return [each for group in self._topology.groups() for each in group.in_service()]

    def choose_instances(self, count: int, zone: str | None) -> Sequence[Instance]:
        """Instances in service, drawn by the drill's seed."""
        return self._topology.instances.choose(count, zone)

    def load_balancer_nodes(self, zone: str | None = None) -> Sequence[Process]:
        """The load balancer's nodes that serve, in one zone or in all."""
        return self._topology.balancer.nodes(zone)

    def kill(self, names: Sequence[str]) -> None:
        """SIGKILL all of them; does not wait."""
        for each in self.running():
            if each.name in names:
                each.kill()

    def kill_instances(self, ids: Sequence[str]) -> None:
        """SIGKILL all of them at once; returns when their processes are gone."""
        in_parallel(
            {
                f"kill-{each.id}": partial(group.kill, each)
                for group in self._topology.groups()
                for each in group.instances()
                if each.id in ids
            }
        )

    def instances_are_healthy(self) -> bool:
        """Whether every group has its full number of instances, all of them healthy."""
        return all(group.is_healthy() for group in self._topology.groups())

    def stop_zone(self, zone: str) -> None:
        """Everything in `zone` dies at once; nothing starts there until `start_zone`."""
        self._topology.zone_down(zone)

    def start_zone(self, zone: str) -> None:
        """`zone` can be used again, if it was down; each part fills it at its own pace."""
        if zone in self._topology.zones_down:
            self._topology.zone_up(zone)

    @property
    def zones_impaired(self) -> Collection[str]:
        """The zones whose network is slow or cut now."""
        return self._topology.edges.impaired_zones()

    def links_across(self, zone: str) -> Sequence[Edge]:
        """Every way between `zone` and what lies outside of it, as things are now."""
        return self._topology.edges.across(zone)

    def slow_zone(self, zone: str, delay_s: float) -> None:
        """Whatever enters or leaves `zone` takes `delay_s` longer."""
        self._topology.impair_zone(zone, Impairment(delay_s))

    def cut_zone(self, zone: str) -> None:
        """Nothing enters or leaves `zone`; what runs there goes on."""
        self._topology.impair_zone(zone, Impairment(cut=True))

    def repair_zone(self, zone: str) -> None:
        """The network of `zone` is as before, if anything was wrong with it."""
        if zone in self.zones_impaired:
            self._topology.impair_zone(zone, NONE)

    def restore(self) -> None:
        """Bring back everything that died, without AWS's delays."""
        self._topology.restore()

    def wait_until_healthy(self, deadline: float) -> None:
        """Return when nothing is missing; `deadline` is in monotonic seconds."""
        self._topology.wait_until_healthy(deadline)
