"""What the local cluster can do, asked before anything starts.

Knows services, faults and what this machine allows; knows no cluster that is running.
"""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from statedrill import faults
from statedrill.cluster.fault_target import capabilities
from statedrill.cluster.network.addresses import ZONES
from statedrill.cluster.routing.haproxy import most_connections
from statedrill.cluster.services import service_options
from statedrill.inputs.experiment import Experiment
from statedrill.inputs.pattern import Pattern
from statedrill.plan.limits import Limit, load_limits
from statedrill.plan.load_plan import Load
from statedrill.plan.plan import Offer
from statedrill.processes.open_files import greatest_file_limit

# Measured with 10,000 users of `distributed` at 1,000 operations/s: the load process grew by 20 KB
# a user, all else together by less; the rest is for bodies in flight and for uploads.
_BYTES_OF_A_USER = 50_000
_BYTES_OF_THE_CLUSTER = 10**9


def local_offer() -> Offer:
    """The services that it has, why it cannot play an experiment on a pattern, and how many users
    fit on this machine.
    """
    return Offer("local", service_options(), _refusals, local_limits)


def _refusals(pattern: Pattern, experiment: Experiment) -> Sequence[str]:
    calls = ((f"{call.module}.{call.func}", call.arguments) for call in experiment.calls)
    return faults.refusals(calls, capabilities(pattern))


def local_limits(load: Load) -> list[Limit]:
    """What the machine can hold of a drill: open files, connections and memory.

    Raises:
        MissingPart: not even a load balancer could start.
    """
    connections, left = most_connections(), len(ZONES) - 1
    free = psutil.virtual_memory().available
    return [
        *load_limits(load, greatest_file_limit()),
        Limit(
            f"connections at the load balancer: {connections:,} at each of the {left} nodes that a "
            "lost zone leaves (half of `ulimit -Hn`)",
            left * connections,
        ),
        Limit(
            f"memory: {free / 2**30:.1f} GiB are free, and {_BYTES_OF_A_USER // 1000} KB are "
            "reckoned for a user",
            max(0, free - _BYTES_OF_THE_CLUSTER) // _BYTES_OF_A_USER,
        ),
    ]
