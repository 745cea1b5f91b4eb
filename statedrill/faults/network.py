"""The network between zones, under the names of AWS Fault Injection Service."""

from __future__ import annotations

from statedrill.faults.disrupt_connectivity import disrupt_connectivity, restore_connectivity
from statedrill.faults.network_latency import run_network_latency, stop_network_latency

__all__ = (
    "disrupt_connectivity",
    "restore_connectivity",
    "run_network_latency",
    "stop_network_latency",
)
