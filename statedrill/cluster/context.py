"""What the parts of one cluster share: registry, network, timings and equipment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from statedrill.cluster.network.addresses import Network
from statedrill.inputs.timings import Timings
from statedrill.processes.registry import ProcessRegistry
from statedrill.vocabulary import Equipment


@dataclass(frozen=True)
class ClusterContext:
    """Who makes processes, who gives addresses, how long AWS takes, and what faults need."""

    registry: ProcessRegistry
    network: Network
    timings: Timings
    equipment: Collection[Equipment] = ()
