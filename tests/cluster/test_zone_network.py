"""A zone whose network is slow or cut off: what users, the balancer and the cluster see of it."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from statedrill.cluster.cluster import Cluster
from statedrill.errors import ControlError
from statedrill.faults.disrupt_connectivity import DisruptConnectivity
from statedrill.faults.disrupt_replication import DisruptReplication
from statedrill.faults.network_latency import NetworkLatency
from statedrill.inputs.pattern import Pattern
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

MakeCluster = Callable[..., Cluster]
TINY_APP = Path(__file__).parent / "tiny_app.py"
EQUIPMENT = DisruptConnectivity.equipment


@pytest.fixture
def cached(tmp_path: Path) -> Pattern:
    """The tiny application without stickiness, with a cache."""
    path = tmp_path / "distributed.yaml"
    path.write_text(f"application: {{command: [python, {TINY_APP}]}}\nservices: {{cache: true}}")
    return Pattern.read(path)


def state(cluster: Cluster) -> dict[str, Any]:
    """Everything that a fault of the network may change; a replaced instance counts as the same."""
    edges = {}
    for edge in (e for e in cluster._topology.edges.all() if not e.is_direct):
        seen, (begin, end) = edge.describe(), edge.ends()
        name = f"balancer/{end}" if begin is None else edge.name
        edges[name] = {key: seen[key] for key in ("listening", "delay_s", "up_cut")}
    groups = [(group.desired, sorted(group._down)) for group in cluster._topology.groups()]
    return {"edges": edges, "groups": groups, "zones": zones_that_answer(cluster)}


def zones_that_answer(cluster: Cluster) -> set[str]:
    """The zones of the targets that the load balancer sends requests to."""
    states = cluster._topology.balancer.health()
    instances = cluster._topology.instances.instances()
    return {each.zone for each in instances if states.get(each.id) == "healthy"}


def asked_s(cluster: Cluster) -> float:
    """How long the slowest of a few requests takes."""
    took = []
    for _ in range(3):
        begin = time.monotonic()
        with urllib.request.urlopen(f"{cluster.url}/x", timeout=10) as answer:
            answer.read()
        took.append(time.monotonic() - begin)
    return max(took)


def test_a_zone_that_is_cut_off_gets_no_users_until_it_is_connected_again(
    make_cluster: MakeCluster, cached: Pattern, events: Events
) -> None:
    with make_cluster(cached, EQUIPMENT) as cluster:
        before = state(cluster)
        answer = cluster._faults.inject(DisruptConnectivity, {"Zone": "c"})
        assert answer["proved"], answer["proof"]
        assert "c/cache" in answer["proof"]
        assert "balancer/i-" in answer["proof"]
        assert "zone c is cut off" in cluster.missing()
        wait_until(lambda: zones_that_answer(cluster) == {"a", "b"})
        assert asked_s(cluster)  # whoever is asked answers, and nobody hangs
        cluster._faults.end(DisruptConnectivity, {"Zone": "c"})
        cluster._faults.end(DisruptConnectivity, {"Zone": "c"})
        wait_until(lambda: events.of("fault-end", how="rollback"))
        wait_until(lambda: state(cluster) == before)
        assert events.of("process", state="dead") == []


def test_a_slow_zone_is_healthy_and_its_users_wait(
    make_cluster: MakeCluster, cached: Pattern, events: Events
) -> None:
    with make_cluster(cached, EQUIPMENT) as cluster:
        before = state(cluster)
        arguments = {"Zone": "a", "DelayMilliseconds": 80}
        answer = cluster._faults.inject(NetworkLatency, arguments)
        assert answer["proved"], answer["proof"]
        assert {"b/cache", "c/cache", "cache-2/cache-1"} <= set(
            answer["proof"].partition("(")[2].partition(")")[0].split(", ")
        )
        wait_until(lambda: asked_s(cluster) >= 0.16)  # as soon as it is zone a's turn
        wait_until(lambda: zones_that_answer(cluster) == {"a", "b", "c"})
        wait_until(lambda: cluster.missing() == ["the network of zone a is slow"])
        cluster.restore(30)
        wait_until(lambda: events.of("fault-end", how="healed"))
        wait_until(lambda: state(cluster) == before)


def test_the_slow_border_follows_a_primary_that_moves(
    make_cluster: MakeCluster, cached: Pattern
) -> None:
    with make_cluster(cached, EQUIPMENT) as cluster:
        cluster._faults.inject(NetworkLatency, {"Zone": "a", "DelayMilliseconds": 80})
        cluster._topology.services[0].failover()  # type: ignore[attr-defined]
        across = cluster._topology.edges.across
        wait_until(lambda: "a/cache" in {edge.name for edge in across("a")})
        edge = cluster._topology.edges.edge
        wait_until(lambda: edge("a", "cache").describe()["delay_s"] == 0.08)
        wait_until(lambda: edge("b", "cache").describe()["delay_s"] == 0)


def test_a_cut_between_the_nodes_ends_with_the_node_that_heard_nothing(
    make_cluster: MakeCluster, cached: Pattern, events: Events
) -> None:
    with make_cluster(cached, DisruptReplication.equipment) as cluster:
        before = state(cluster)
        answer = cluster._faults.inject(DisruptReplication, {})
        assert answer["proved"], answer["proof"]
        cluster._faults.end(DisruptReplication, {})
        wait_until(lambda: events.of("fault-end", how="rollback"))
        wait_until(lambda: state(cluster) == before)


def test_without_the_hops_each_of_them_is_refused(make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    with pytest.raises(ControlError, match=r"needs replication links and zone links"):
        cluster._faults.inject(NetworkLatency, {"Zone": "a"})
