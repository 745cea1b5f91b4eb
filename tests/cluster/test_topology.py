"""The way of each zone: what an instance is told, and what is lost when its edge is cut."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from statedrill.cluster.cluster import Cluster
from statedrill.cluster.services.valkey.node import answers, connect
from statedrill.inputs.pattern import Pattern

pytestmark = pytest.mark.cluster

TINY_APP = Path(__file__).parent / "tiny_app.py"


def environments(cluster: Cluster) -> dict[str, dict[str, str]]:
    """What the instance of each zone was told."""
    told: dict[str, dict[str, str]] = {}
    for _ in range(30):
        with urllib.request.urlopen(f"{cluster.url}/environment", timeout=5) as answer:
            each: dict[str, Any] = json.load(answer)
        told[each["ZONE"]] = each
    return told


def cached(folder: Path, more: str = "") -> Pattern:
    path = folder / "sticky.yaml"
    path.write_text(
        f"application: {{command: [python, {TINY_APP}]}}\nservices: {{cache: true}}\n{more}"
    )
    return Pattern.read(path)


def test_without_a_hop_every_instance_is_told_the_endpoint_itself(
    make_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    with make_cluster(cached(tmp_path)) as cluster:
        told = environments(cluster)
        assert {each["CACHE_URL"] for each in told.values()} == {
            f"redis://127.{cluster._network.n}.0.63:6379/0"
        }
        assert set(told) == {"a", "b", "c"}


def test_with_a_hop_each_zone_has_its_own_way_which_can_be_lost(
    make_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    with make_cluster(cached(tmp_path, "zones: {latency_ms: 0}\n")) as cluster:
        n, told = cluster._network.n, environments(cluster)
        assert {zone: each["CACHE_URL"] for zone, each in told.items()} == {
            zone: f"redis://127.{n}.{number}.63:6379/0" for number, zone in enumerate("abc", 1)
        }
        edge = cluster._topology.edges.edge("b", "cache")
        assert answers(edge.address)
        nodes = cluster._topology.edges.between_nodes("cache")
        assert [link.ends() for link in nodes] == [("b", "a")]
        edge.cut()
        with pytest.raises(RedisTimeoutError):
            connect(edge.address, timeout_s=0.3).ping()
        assert answers(cluster._topology.edges.edge("a", "cache").address)
        cluster.restore(30)
        assert answers(edge.address)
