"""What the control address answers about a cluster, in AWS's words; faults come from their table.

Knows the topology; knows no fault and nothing of HTTP.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from statedrill.cluster.topology import Topology
from statedrill.control.server import Action


@runtime_checkable
class CountsKeys(Protocol):
    """A cache that knows how many keys it holds."""

    def key_count(self) -> int:
        """How many they are now."""


_RESTORE_S = 90.0
_REPLACED_S = 30.0


class Queries:
    """The actions of one cluster that look and change nothing."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology

    def actions(self) -> dict[str, Action]:
        """Every query by its name on the control address."""
        return {
            "ec2/describe-instances": lambda _: {"instances": self.describe_instances()},
            "elasticache/key-count": lambda _: {"keys": self.cache_keys()},
            "elbv2/describe-target-health": lambda _: {
                "targets": self._topology.balancer.describe_target_health()
            },
            "sqs/get-queue-depth": lambda _: {"depth": self._topology.backlog()},
        }

    def describe_instances(self) -> list[dict[str, object]]:
        """Every instance and worker: id, role, zone, address, state, pid, and volume or None."""
        return [
            {
                "id": each.id,
                "role": group.template.role,
                "zone": each.zone,
                "address": f"{each.address}:{each.port}",
                "state": each.state,
                "pid": each.process.pid,
                "volume": each.volume.id if each.volume else None,
            }
            for group in self._topology.groups()
            for each in group.instances()
        ]

    def cache_keys(self) -> int:
        """The number of keys in the cache; 0 without a cache."""
        cache = self._topology.service("cache")
        return cache.key_count() if isinstance(cache, CountsKeys) else 0


def restore_timeout_s(topology: Topology) -> float:
    """How long the slowest way back takes with the present timings, with room to spare."""
    timings = topology.context.timings
    launched_s = timings.instance_boot_s + timings.volume_attach_s
    instances_s = timings.instance_detection_s + launched_s + _REPLACED_S
    rebalance_s = (
        timings.rebalance_delay_s + timings.instance_boot_s + timings.deregistration_delay_s
    )
    return _RESTORE_S + instances_s + rebalance_s + topology.restore_time_s()
