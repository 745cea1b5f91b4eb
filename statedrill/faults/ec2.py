"""Faults of EC2: instances, and the zones that they stand in. Names as in chaosaws.ec2.actions."""

from __future__ import annotations

from typing import Any

from statedrill.control.client import call, fault


def terminate_instances(
    instance_ids: list[str] | None = None, az: str | None = None, count: int | None = None
) -> dict[str, Any]:
    """Kill instances at once, without any warning to them or to the load balancer.

    Without arguments one registered instance is drawn by the drill's seed; `az` restricts the
    draw to a zone, `count` draws several.

    Raises:
        ControlFailure: no such instance, or the death could not be proved.
    """
    return fault("ec2/terminate-instances", InstanceIds=instance_ids, Zone=az, Count=count)


def stop_zone(az: str) -> dict[str, Any]:
    """Everything in zone `az` dies at once, primaries of database and cache included.

    Raises:
        ControlFailure: no such zone, or its death could not be proved.
    """
    return fault("ec2/stop-zone", Zone=az)


def start_zone(az: str) -> dict[str, Any]:
    """Zone `az` comes back, empty-handed but for its volumes."""
    return call("ec2/start-zone", Zone=az)


def describe_instances() -> dict[str, Any]:
    """Every instance with its id, zone, address and state."""
    return call("ec2/describe-instances")
