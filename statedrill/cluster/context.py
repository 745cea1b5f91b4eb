"""What the parts of one cluster share: the registry, the network and the timings."""

from __future__ import annotations

from dataclasses import dataclass

from statedrill.cluster.network.addresses import Network
from statedrill.inputs.timings import Timings
from statedrill.processes.registry import ProcessRegistry


@dataclass(frozen=True)
class ClusterContext:
    """Who makes processes, who gives addresses, and how long AWS takes."""

    registry: ProcessRegistry
    network: Network
    timings: Timings
