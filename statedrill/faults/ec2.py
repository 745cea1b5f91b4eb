"""EC2 under the names of chaosaws.ec2.actions: instances, and the zones that they run in."""

from __future__ import annotations

from typing import Any

from statedrill.control.client import call
from statedrill.faults.detach_volume import attach_volume, detach_volume
from statedrill.faults.freeze_instances import freeze_instances, thaw_instances
from statedrill.faults.shift_clocks import shift_clocks
from statedrill.faults.stop_zone import (
    start_shard_zone,
    start_zone,
    stop_shard_zone,
    stop_zone,
)
from statedrill.faults.terminate_instances import terminate_instances, terminate_workers
from statedrill.faults.throttle_cpu import throttle_cpu, unthrottle_cpu

__all__ = (
    "attach_volume",
    "describe_instances",
    "detach_volume",
    "freeze_instances",
    "shift_clocks",
    "start_shard_zone",
    "start_zone",
    "stop_shard_zone",
    "stop_zone",
    "terminate_instances",
    "terminate_workers",
    "thaw_instances",
    "throttle_cpu",
    "unthrottle_cpu",
)


def describe_instances() -> dict[str, Any]:
    """Every instance with its id, zone, address and state."""
    return call("ec2/describe-instances")
