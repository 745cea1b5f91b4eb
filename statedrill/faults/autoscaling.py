"""Auto Scaling under the names of boto3's autoscaling client: planned changes of a group."""

from __future__ import annotations

from statedrill.faults.instance_refresh import cancel_instance_refresh, start_instance_refresh
from statedrill.faults.set_desired_capacity import set_desired_capacity

__all__ = ("cancel_instance_refresh", "set_desired_capacity", "start_instance_refresh")
