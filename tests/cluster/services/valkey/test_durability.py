"""A cache with a log in the region: what was acknowledged is there, whoever serves next."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError, RedisError

from statedrill.cluster.services.valkey.node import ValkeyNode, connect
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.cluster.services.valkey.transaction_log import TransactionLog
from statedrill.errors import ClusterError
from statedrill.inputs.services import CacheOptions
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import context_for, services_of
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def cache(registry: ProcessRegistry) -> Iterator[ReplicationGroup]:
    options = CacheOptions(durability="sync", maxmemory_policy="noeviction")
    with services_of(registry, between_nodes=True) as context:
        made = ReplicationGroup(context, options)
        context.endpoints.start()
        context.edges.start()
        made.start()
        yield made
        made.stop()


def through_endpoint(cache: ReplicationGroup) -> Redis:
    return connect(cache._endpoints.address("cache"))


def write(cache: ReplicationGroup, first: int, last: int) -> None:
    with through_endpoint(cache) as session:
        for i in range(first, last):
            session.set(f"key-{i}", i)


def primary_zone(cache: ReplicationGroup) -> str:
    return next(node.zone for node in cache.nodes() if node.role == "primary")


def test_a_failover_keeps_what_a_lagging_replica_never_received(cache: ReplicationGroup) -> None:
    write(cache, 0, 10)
    wait_until(cache.is_replicating)
    cache.cut_replication()
    write(cache, 10, 30)
    old = cache.nodes()[0].name
    cache.failover()
    wait_until(lambda: cache.nodes()[0].name != old)
    assert cache.key_count() == 30
    wait_until(cache.is_replicating)
    write(cache, 30, 40)
    assert cache.key_count() == 40


def test_writes_go_on_without_a_replica(cache: ReplicationGroup) -> None:
    cache.node("replica").freeze()
    write(cache, 0, 10)
    assert cache.key_count() == 10


def test_when_both_nodes_are_lost_a_new_one_has_everything(cache: ReplicationGroup) -> None:
    write(cache, 0, 10)
    for zone in ("a", "b"):
        cache.zone_down(zone)
    wait_until(lambda: primary_zone(cache) == "c")
    assert cache.key_count() == 10
    cache.restore()
    assert cache.is_healthy()


def test_a_primary_that_hangs_is_gone_before_its_heir_opens_the_log(
    cache: ReplicationGroup, events: Events
) -> None:
    write(cache, 0, 10)
    frozen, heir = cache.node("primary"), cache.node("replica")
    frozen.freeze()
    wait_until(lambda: events.of("failover", service="cache"))
    (died,) = events.of("process", name=frozen.name, state="dead")
    opened = events.of("process", name=heir.name, state="starting")[-1]
    assert died["t"] < opened["t"]
    assert not events.of("process", name=heir.name, state="dead")  # it was asked to start again
    assert cache.key_count() == 10


def test_a_flush_is_in_the_log_as_well(cache: ReplicationGroup) -> None:
    write(cache, 0, 10)
    cache.flush()
    cache.failover()
    wait_until(cache.is_healthy)
    assert cache.key_count() == 0


def test_a_full_memory_refuses_to_be_written_and_keeps_every_key(cache: ReplicationGroup) -> None:
    with through_endpoint(cache) as session:
        for i in range(100):
            session.set(f"session-{i}", i, ex=600)
        refused, proof = cache.fill_memory()
        assert refused > 0
        assert "it evicted 0 keys of the application, but refuses to be written" in proof
        with pytest.raises(OutOfMemoryError):
            session.set("one", "more" * 1000)
        cache.free_memory()
        session.set("one", "more" * 1000)
        assert cache.key_count() == 101


def test_nothing_of_it_is_left_when_it_is_stopped(
    cache: ReplicationGroup, registry: ProcessRegistry
) -> None:
    write(cache, 0, 10)
    cache.stop()
    assert [*registry.folder.glob("cache-*"), *registry.folder.glob("region/*")] == []


class Writers:
    """Set keys of their own, one after the other, and remember the last that was acknowledged."""

    def __init__(self, cache: ReplicationGroup, count: int = 4) -> None:
        self.acknowledged = [0] * count
        self._cache, self._stop = cache, threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(count)
        ]

    def __enter__(self) -> Writers:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def _write(self, number: int) -> None:
        i = 0
        while not self._stop.is_set():
            with contextlib.suppress(RedisError), through_endpoint(self._cache) as session:
                while not self._stop.is_set():
                    i += 1
                    session.set(f"{number}:{i}", i)
                    self.acknowledged[number] += 1


def test_what_was_acknowledged_outlives_a_primary_killed_over_its_writes(
    cache: ReplicationGroup,
) -> None:
    with Writers(cache) as writers:
        for _ in range(3):
            so_far = sum(writers.acknowledged)
            wait_until(lambda: sum(writers.acknowledged) > so_far + 200)  # noqa: B023 - at once
            cache.failover()
            wait_until(cache.is_healthy)
    assert cache.key_count() >= sum(writers.acknowledged) > 600


@pytest.fixture
def log(tmp_path: Path) -> TransactionLog:
    return TransactionLog(tmp_path / "region" / "log", "sync")


@pytest.fixture
def nodes(registry: ProcessRegistry) -> Iterator[tuple[ValkeyNode, ValkeyNode]]:
    with context_for(registry) as context:
        yield (
            ValkeyNode(context, 1, "a", "noeviction"),
            ValkeyNode(context, 2, "b", "noeviction"),
        )


def test_a_torn_end_of_the_log_is_cut_off_and_the_rest_is_there(
    log: TransactionLog, nodes: tuple[ValkeyNode, ValkeyNode]
) -> None:
    dead, heir = nodes
    dead.write_log(log)
    dead.start()
    with dead.session() as session:
        for i in range(20):
            session.set(f"key-{i}", i)
    dead.kill()
    dead.wait_gone()
    (newest,) = log.folder.glob("*.incr.aof")
    with newest.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$6\r\nkey-20\r\n$100\r\ntorn")
    heir.write_log(log)
    heir.start()
    with heir.session() as session:
        assert session.dbsize() == 20
        session.set("key-20", "whole")


def test_two_servers_never_write_one_log(
    log: TransactionLog, nodes: tuple[ValkeyNode, ValkeyNode]
) -> None:
    first, second = nodes
    first.write_log(log)
    first.start()
    with pytest.raises(ClusterError, match="cache-1 may still write it"):
        second.write_log(log)
    first.freeze()
    with pytest.raises(ClusterError, match="cache-1 may still write it"):
        second.write_log(log)
    first.kill()
    first.wait_gone()
    second.write_log(log)
