"""A cache with snapshots: deleted, and created again from the newest of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis

from statedrill.cluster.services.restorable_pair import RestorePoint
from statedrill.cluster.services.valkey.node import connect
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.inputs.services import CacheOptions
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import TIMINGS, services_of
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster
QUICK = replace(TIMINGS, cache_snapshot_interval_s=1.0, cache_restore_s=0.3)


@pytest.fixture(params=["none", "sync"])
def cache(request: pytest.FixtureRequest, registry: ProcessRegistry) -> Iterator[ReplicationGroup]:
    with services_of(registry, QUICK) as context:
        made = ReplicationGroup(context, CacheOptions(durability=request.param, snapshots=True))
        context.endpoints.start()
        made.start()
        yield made
        made.stop()


def through_endpoint(cache: ReplicationGroup) -> Redis:
    return connect(cache._endpoints.address("cache"))


def write(cache: ReplicationGroup, first: int, last: int) -> None:
    with through_endpoint(cache) as session:
        for i in range(first, last):
            session.set(f"key-{i}", i)


def snapshots(events: Events) -> int:
    return len(events.of("backup", service="cache"))


def next_snapshot(events: Events) -> None:
    """Wait for one that was begun from now on: of two, one may be under way."""
    known = snapshots(events)
    wait_until(lambda: snapshots(events) >= known + 2)


def test_a_deleted_cache_is_created_again_with_all_that_its_snapshot_has(
    cache: ReplicationGroup, events: Events
) -> None:
    assert not cache.has_backup()
    write(cache, 0, 20)
    cache.cluster_is_ready()
    next_snapshot(events)
    lost = cache.lose_data()
    assert sorted(lost) == ["cache-1", "cache-2"]
    assert cache.data_left() == []
    assert not cache.is_healthy()
    cache.order_restore(None)
    wait_until(cache.is_healthy)
    assert cache.key_count() == 20
    (restored,) = events.of("restore", service="cache")
    assert restored["point"] in {each["point"] for each in events.of("backup", service="cache")}
    assert restored["t"] - restored["began"] >= 0.3e9


def test_what_is_written_after_a_restore_outlives_the_node_that_was_restored(
    cache: ReplicationGroup, events: Events
) -> None:
    write(cache, 0, 20)
    cache.cluster_is_ready()
    next_snapshot(events)
    cache.lose_data()
    cache.order_restore(None)
    wait_until(cache.is_healthy)
    write(cache, 20, 30)
    cache.failover()
    wait_until(cache.is_healthy)
    assert cache.key_count() == 30


def test_a_cache_that_lost_its_data_is_restored_when_the_target_is(
    cache: ReplicationGroup, events: Events
) -> None:
    write(cache, 0, 20)
    cache.cluster_is_ready()
    next_snapshot(events)
    cache.lose_data()
    cache.restore()
    assert cache.key_count() == 20


def test_a_snapshot_brings_back_what_a_flush_deleted(
    cache: ReplicationGroup, events: Events
) -> None:
    write(cache, 0, 20)
    cache.cluster_is_ready()
    next_snapshot(events)
    before = RestorePoint(time.monotonic_ns(), "")
    cache.flush()
    next_snapshot(events)
    cache.order_restore(before)
    wait_until(cache.is_healthy)
    assert cache.key_count() == 20  # the younger snapshots have the mistake in them


def test_no_snapshot_is_left_when_it_is_stopped(
    cache: ReplicationGroup, registry: ProcessRegistry, events: Events
) -> None:
    cache.cluster_is_ready()
    wait_until(cache.has_backup)
    cache.stop()
    assert [*registry.folder.glob("cache-*"), *registry.folder.glob("region/*")] == []
