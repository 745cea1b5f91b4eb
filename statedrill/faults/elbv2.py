"""Elastic Load Balancing, under the names of chaosaws.elbv2 where there are such."""

from __future__ import annotations

from typing import Any

from statedrill.control.client import call
from statedrill.faults.restart_load_balancer import restart_load_balancer

__all__ = ("describe_target_health", "restart_load_balancer")


def describe_target_health() -> dict[str, Any]:
    """Every registered target with its id and state."""
    return call("elbv2/describe-target-health")
