from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from reference_app.memcached.discovery import NodeAddress, discover
from statedrill.cluster.services.memcached.client import connected
from statedrill.cluster.services.memcached.cluster import MemcachedCluster
from statedrill.errors import ClusterError, MissingPart
from statedrill.inputs.services import MemcachedOptions
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import TIMINGS, services_of
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

DELAY_S = 1.5
QUICK = replace(TIMINGS, cache_node_replacement_s=DELAY_S)


@pytest.fixture
def cache(registry: ProcessRegistry) -> Iterator[MemcachedCluster]:
    with services_of(registry, QUICK) as context:
        made = MemcachedCluster(context, MemcachedOptions())
        made.start()
        yield made
        made.stop()


def listed(cache: MemcachedCluster, zone: str = "a") -> list[NodeAddress]:
    """What a client in `zone` learns."""
    url = urlsplit(cache.environment(zone)["CACHE_URL"])
    return asyncio.run(discover(url.hostname or "", url.port or 0, 2.0))


def put(address: NodeAddress, key: str) -> None:
    with connected((address.host, address.port)) as session:
        assert session.ask(f"set {key} 0 0 1\r\nx") == ["STORED"]


def has(address: NodeAddress, key: str) -> bool:
    with connected((address.host, address.port)) as session:
        return session.ask(f"get {key}") != ["END"]


def test_it_has_a_node_in_each_zone_and_tells_every_zone_of_all_of_them(
    cache: MemcachedCluster,
) -> None:
    nodes = [(each.zone, each.role, each.alive) for each in cache.nodes()]
    assert nodes == [("a", "0001", True), ("b", "0002", True), ("c", "0003", True)]
    assert cache.is_healthy()
    first, *others = (listed(cache, zone) for zone in "abc")
    assert [each.name for each in first] == ["cache.0001", "cache.0002", "cache.0003"]
    assert others == [first, first]
    assert cache.environment("a")["CACHE_DISCOVERY_S"] == "2"


def test_what_is_none_of_the_questions_of_discovery_is_refused(cache: MemcachedCluster) -> None:
    url = urlsplit(cache.environment("a")["CACHE_URL"])
    with connected((url.hostname or "", url.port or 0)) as session:
        assert session.ask("get x") == ["ERROR"]


def test_a_lost_node_is_replaced_by_an_empty_one_under_its_name(
    cache: MemcachedCluster, events: Events
) -> None:
    before = listed(cache)
    for address in before:
        put(address, "kept")
    lost = cache.cache_node("0002")
    lost.kill()
    wait_until(lambda: not cache.is_healthy())
    assert cache.missing() == ["cache 0002"]
    with pytest.raises(ClusterError, match="no node 0002 that is alive"):
        cache.cache_node("0002")
    assert listed(cache) == before  # as long as nobody took its place

    wait_until(cache.is_healthy)
    after = listed(cache)
    assert [each.name for each in after] == [each.name for each in before]
    assert [after[0], after[2]] == [before[0], before[2]]
    assert after[1].host != before[1].host
    assert [has(each, "kept") for each in after] == [True, False, True]
    assert cache.nodes()[1].zone == "b"
    (moved,) = events.of("failover", service="cache")
    (died,) = events.of("process", name=lost.name, state="dead")
    assert moved["t"] - died["t"] >= DELAY_S * 1e9


def test_a_node_that_hangs_for_less_than_that_goes_on_with_what_it_had(
    cache: MemcachedCluster, events: Events
) -> None:
    (_, address, _), node = listed(cache), cache.cache_node("0002")
    put(address, "kept")
    node.freeze()
    wait_until(lambda: cache.missing() == ["cache 0002"])
    node.thaw()
    wait_until(cache.is_healthy)
    assert has(address, "kept")
    assert not events.of("failover", service="cache")


def test_a_node_that_hangs_for_longer_is_ended_before_its_name_is_given_to_another(
    cache: MemcachedCluster, events: Events
) -> None:
    node = cache.cache_node("0002")
    node.freeze()
    moved = wait_until(lambda: events.of("failover", service="cache"))[0]
    (died,) = events.of("process", name=node.name, state="dead")
    assert died["t"] < moved["t"]
    assert not psutil.pid_exists(node.pid)
    wait_until(cache.is_healthy)


def test_a_zone_that_returns_gets_its_node_back_empty(cache: MemcachedCluster) -> None:
    put(listed(cache)[1], "kept")
    cache.zone_down("b")
    assert [each.alive for each in cache.nodes()] == [True, False, True]
    cache.zone_up("b")
    wait_until(cache.is_healthy)
    assert not has(listed(cache)[1], "kept")


def test_restoring_does_not_wait(cache: MemcachedCluster, events: Events) -> None:
    cache.zone_down("a")
    cache.restore()
    assert cache.is_healthy()
    back = events.of("failover", service="cache")[0]
    (died,) = events.of("process", name="cache-1", state="dead")
    assert back["t"] - died["t"] < DELAY_S * 1e9


def test_a_flush_empties_every_node_and_proves_it(cache: MemcachedCluster) -> None:
    for address in listed(cache):
        put(address, "gone")
    assert cache.key_count() == 3
    before, after, proof = cache.flush()
    assert (before, after) == (3, 0)
    assert "flush_all on cache-1, cache-2, cache-3, which held 3 items" in proof
    assert not any(has(address, "gone") for address in listed(cache))


def test_a_sample_counts_the_lookups_of_all_nodes(cache: MemcachedCluster) -> None:
    addresses, before = listed(cache), cache.sample()
    put(addresses[0], "there")
    assert has(addresses[0], "there")
    assert not has(addresses[2], "there")
    with connected((addresses[0].host, addresses[0].port)) as session:
        session.ask("gat 60 there")  # a lookup that renews it counts as well
        session.ask("gat 60 elsewhere")
    after = cache.sample()
    assert after["node"] == "cache-1 cache-2 cache-3"
    assert (after["hits"] - before["hits"], after["misses"] - before["misses"]) == (2, 2)


def test_its_nodes_end_with_their_owner_and_leave_nothing(
    cache: MemcachedCluster, registry: ProcessRegistry
) -> None:
    pids = [each.pid for each in registry.alive()]
    assert len(pids) == 3
    cache.stop()
    cache.stop()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_what_to_install_is_said_before_anything_starts(
    registry: ProcessRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with services_of(registry) as context, pytest.raises(MissingPart) as caught:
        MemcachedCluster(context, MemcachedOptions())
    assert "apt-get install memcached" in str(caught.value.hint)
