"""A program that is killed while faults on instances, routing and the network are open."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from statedrill.cluster.cluster import Cluster
from statedrill.faults.base import Fault
from statedrill.faults.disrupt_connectivity import DisruptConnectivity
from statedrill.faults.freeze_instances import FreezeInstances
from statedrill.faults.instance_refresh import InstanceRefresh
from statedrill.faults.network_latency import NetworkLatency
from statedrill.faults.restart_load_balancer import RestartLoadBalancer
from statedrill.faults.set_desired_capacity import SetDesiredCapacity
from statedrill.faults.shift_clocks import ShiftClocks
from statedrill.faults.stop_zone import StopZone
from statedrill.faults.terminate_instances import TerminateInstances, TerminateWorkers
from statedrill.faults.throttle_cpu import ThrottleCpu
from statedrill.inputs.pattern import Pattern
from tests.support.killed_owner import owner_of
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's"),
]

TINY_APP = Path(__file__).parent / "tiny_app.py"
PATTERN = f"""
application: {{command: [python, {TINY_APP}], instances: 6}}
workers: {{command: [python, {TINY_APP}], count: 2}}
services: {{cache: true, queue: true}}
"""
Rows = Mapping[type[Fault], Mapping[str, object]]

# Each row is played in one cluster: these can be open at the same time, in this order.
COMPUTE: Rows = {
    ShiftClocks: {"Seconds": 3600},
    InstanceRefresh: {},
    FreezeInstances: {},
    ThrottleCpu: {"Count": 6},
    TerminateInstances: {},
    TerminateWorkers: {},
    RestartLoadBalancer: {},
}
NETWORK: Rows = {
    SetDesiredCapacity: {"DesiredCapacity": 7},
    NetworkLatency: {"Zone": "a"},
    DisruptConnectivity: {"Zone": "b"},
    StopZone: {"Zone": "c"},
}


@pytest.fixture
def pattern(tmp_path: Path) -> Path:
    path = tmp_path / "distributed.yaml"
    path.write_text(PATTERN)
    return path


@pytest.mark.parametrize(
    "rows", [COMPUTE, NETWORK], ids=["instances and routing", "the group and the network"]
)
def test_nothing_that_was_broken_outlives_its_owner_and_the_next_cluster_is_whole(
    rows: Rows, pattern: Path, tmp_path: Path, make_cluster: Callable[..., Cluster]
) -> None:
    equipment = frozenset().union(*(kind.equipment for kind in rows))
    with owner_of(pattern, tmp_path, equipment) as owner:
        for kind, arguments in rows.items():
            owner.inject(kind, **arguments)
        assert owner.open_faults() == [kind.name for kind in rows]
        owner.kill()
        with make_cluster(Pattern.read(pattern), equipment) as after:
            wait_until(lambda: owner.left() == [], "the dead cluster to be gone")
            wait_until(lambda: after.missing() == [], "the next cluster to be whole")
