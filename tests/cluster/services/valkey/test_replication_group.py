from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError

from statedrill.cluster.services.valkey import memory
from statedrill.cluster.services.valkey.node import connect
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.errors import ClusterError
from statedrill.inputs.services import CacheOptions
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import services_of
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def cache(registry: ProcessRegistry) -> Iterator[ReplicationGroup]:
    with services_of(registry) as context:
        made = ReplicationGroup(context, CacheOptions())
        context.endpoints.start()
        made.start()
        yield made
        made.stop()


def through_endpoint(cache: ReplicationGroup) -> Redis:
    return connect(cache._endpoints.address("cache"))


def fill(cache: ReplicationGroup, keys: int) -> None:
    with through_endpoint(cache) as session:
        for i in range(keys):
            session.set(f"key-{i}", i)
        assert session.wait(1, 5000) == 1  # the replica has them


def zones(cache: ReplicationGroup) -> dict[str, tuple[str, bool]]:
    return {role: (zone, alive) for _, zone, role, alive in cache.nodes()}


def test_a_sample_counts_lookups_and_how_far_the_replica_is(cache: ReplicationGroup) -> None:
    before = cache.sample()
    fill(cache, 10)
    with through_endpoint(cache) as session:
        assert session.get("key-3") == "3"
        assert session.get("no such key") is None
    after = cache.sample()
    assert (after["hits"] - before["hits"], after["misses"] - before["misses"]) == (1, 1)
    assert after["written"] - before["written"] > 100
    assert after["applied"] >= after["written"]
    assert (after["node"], after["replica"]) == ("cache-1", "cache-2")


def test_a_started_cache_is_a_pair_in_two_zones_that_replicates(cache: ReplicationGroup) -> None:
    assert zones(cache) == {"primary": ("a", True), "replica": ("b", True)}
    assert cache.is_healthy()
    fill(cache, 10)
    assert cache.key_count() == 10
    standby = cache._standby
    assert standby is not None
    with standby.session() as session:
        assert session.get("key-3") == "3"
        with pytest.raises(ReadOnlyError):
            session.set("key-3", "x")


def test_a_pair_that_is_whole_streams_every_later_write(cache: ReplicationGroup) -> None:
    """Not only what was there when the replica joined: Valkey may begin that a second later."""
    standby = cache._standby
    assert standby is not None
    with through_endpoint(cache) as session, standby.session() as follower:
        session.set("early", "x")
        # The next look of the once-a-second job is later than this.
        wait_until(lambda: follower.get("early") == "x", deadline_s=0.4)


def test_a_failover_keeps_what_the_replica_had(cache: ReplicationGroup, events: Events) -> None:
    fill(cache, 100)
    name, pid = cache.failover()
    assert not psutil.pid_exists(pid)
    moved = wait_until(lambda: events.of("failover", service="cache"))[0]
    assert moved["from"] == name
    assert moved["to"] == cache.nodes()[0][0] != name
    died = events.of("process", name=name, state="dead")[0]
    assert moved["t"] - died["t"] >= 0.4e9
    assert cache.key_count() == 100
    wait_until(cache.is_healthy)
    assert zones(cache) == {"primary": ("b", True), "replica": ("a", True)}


def test_connections_fail_fast_until_the_failover_is_done(cache: ReplicationGroup) -> None:
    with through_endpoint(cache) as old:
        assert old.ping()
        cache.failover()
        with pytest.raises(RedisConnectionError):
            old.ping()
    wait_until(lambda: cache._endpoints.target("cache") is None)
    with pytest.raises(RedisConnectionError), through_endpoint(cache) as session:
        session.ping()


def test_a_lost_replica_is_replaced_and_the_primary_serves_on(
    cache: ReplicationGroup, registry: ProcessRegistry
) -> None:
    fill(cache, 10)
    lost = cache.nodes()[1][0]
    with through_endpoint(cache) as session:
        next(process for process in registry.alive() if process.name == lost).kill()
        wait_until(lambda: not cache.is_healthy())
        wait_until(cache.is_healthy)
        assert session.dbsize() == 10
    assert cache.nodes()[1][0] != lost
    standby = cache._standby
    assert standby is not None
    with standby.session() as session:
        assert session.dbsize() == 10


def test_a_primary_that_hangs_is_fenced_before_the_replica_takes_over(
    cache: ReplicationGroup, events: Events
) -> None:
    fill(cache, 100)
    frozen = cache.node("primary")
    frozen.freeze()
    moved = wait_until(lambda: events.of("failover", service="cache"))[0]
    assert moved["from"] == frozen.name
    (died,) = events.of("process", name=frozen.name, state="dead")
    assert died["t"] < moved["t"]
    wait_until(cache.is_healthy)
    assert cache.key_count() == 100


def test_writes_that_wait_for_a_frozen_replica_go_on_when_it_was_replaced(
    cache: ReplicationGroup,
) -> None:
    frozen = cache.node("replica")
    with through_endpoint(cache) as session:
        frozen.freeze()
        session.set("key", 1)
        assert session.wait(1, 100) == 0
        wait_until(lambda: session.wait(1, 100) == 1)
    assert not frozen.alive
    wait_until(cache.is_healthy)


def test_a_lost_zone_fails_over_and_the_replica_moves_to_a_zone_that_is_up(
    cache: ReplicationGroup,
) -> None:
    fill(cache, 10)
    cache.zone_down("a")
    wait_until(cache.is_healthy)
    assert zones(cache) == {"primary": ("b", True), "replica": ("c", True)}
    assert cache.key_count() == 10
    cache.zone_up("a")
    assert cache.is_healthy()


def test_when_both_nodes_are_lost_an_empty_cache_takes_their_place(cache: ReplicationGroup) -> None:
    fill(cache, 10)
    for zone in ("a", "b"):
        cache.zone_down(zone)
    wait_until(lambda: zones(cache)["primary"] == ("c", True))
    assert cache.key_count() == 0
    cache.zone_up("a")
    wait_until(cache.is_healthy)


def test_without_any_zone_there_is_no_cache_until_one_returns(cache: ReplicationGroup) -> None:
    for zone in ("a", "b", "c"):
        cache.zone_down(zone)
    for use in (cache.failover, cache.flush, cache.key_count):
        with pytest.raises(ClusterError, match="no primary that is alive"):
            use()
    cache.zone_up("c")
    wait_until(lambda: zones(cache)["primary"] == ("c", True))
    cache.restore()
    assert cache.is_healthy()


def test_a_flush_removes_every_key_everywhere_and_proves_it(cache: ReplicationGroup) -> None:
    fill(cache, 25)
    flush = cache.flush()
    assert (flush.keys_before, flush.keys_after) == (25, 0)
    assert "removed 25 keys" in flush.proof
    assert "its replica followed" in flush.proof
    assert cache.key_count() == 0
    cache.failover()
    wait_until(cache.is_healthy)
    assert cache.key_count() == 0


def test_a_full_memory_evicts_what_expires_and_nothing_of_that_is_left_when_it_was_freed(
    cache: ReplicationGroup,
) -> None:
    def state(session: Redis) -> object:
        kept = sorted(session.scan_iter())
        return kept, session.config_get("maxmemory*")

    with through_endpoint(cache) as session:
        for i in range(100):
            session.set(f"session-{i}", i, ex=600)
            session.set(f"cart-{i}", i)
        _, limits = state(session)
        evicted, proof = cache.fill_memory()
        assert cache.is_full()
        assert 0 < evicted <= 100
        assert f"it evicted {evicted} keys of the application" in proof
        assert len(list(session.scan_iter("session-*"))) <= 100 - evicted
        session.set("written", "while it is full", ex=600)
        cache.free_memory()
        cache.free_memory()
        assert not cache.is_full()
        kept = [f"cart-{i}" for i in range(100)]
        left = [each for each in session.scan_iter() if not str(each).startswith("session-")]
        assert sorted(left) == sorted([*kept, "written"])
        assert session.config_get("maxmemory*") == limits


def test_a_key_that_is_deleted_while_the_memory_fills_is_not_taken_for_evicted(
    cache: ReplicationGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(cache, 10)  # none of them expires, so none can be evicted
    limit = memory.set_memory_limit

    def limit_and_delete(session: Redis, to: memory.MemoryLimit) -> None:
        limit(session, to)
        assert session.delete("key-3") == 1

    monkeypatch.setattr(memory, "set_memory_limit", limit_and_delete)
    evicted, _ = cache.fill_memory()
    assert evicted == 0


def test_a_failover_ends_the_fullness_and_the_ballast_goes_all_the_same(
    cache: ReplicationGroup,
) -> None:
    fill(cache, 10)
    cache.fill_memory()
    cache.failover()
    wait_until(cache.is_healthy)
    assert not cache.is_full()
    cache.free_memory()
    assert cache.key_count() == 10


def test_heal_brings_a_replica_back_without_waiting_for_the_rebuild(
    cache: ReplicationGroup,
) -> None:
    cache._delays = replace(cache._delays, failover_s=0.1, rebuild_s=600.0)
    cache.zone_down("a")
    assert not cache.is_healthy()
    cache.restore()
    assert cache.is_healthy()


def test_stop_ends_both_nodes_and_can_be_repeated(
    cache: ReplicationGroup, registry: ProcessRegistry
) -> None:
    cache.stop()
    cache.stop()
    assert [process.name for process in registry.alive()] == ["endpoints"]
    assert list(registry.folder.glob("cache-*")) == []


def test_keys_that_match_live_no_longer_than_they_are_told(cache: ReplicationGroup) -> None:
    with through_endpoint(cache) as session:
        session.set("{u}:session:1", "x", ex=1000)
        session.set("{u}:session:2", "x")
        session.set("{v}:session:3", "x", ex=2)
        session.set("{u}:cart", "x", ex=1000)
        proved, sentence = cache.expire_keys("*:session:*", 30)
        assert (proved, sentence) == (True, "2 keys *:session:* of cache-1 live for 30 s at most")
        assert session.ttl("{u}:session:1") <= 30
        assert 0 < session.ttl("{u}:session:2") <= 30
        assert session.ttl("{v}:session:3") <= 2
        assert session.ttl("{u}:cart") > 900
        assert cache.expire_keys("nothing like it", 30)[0]
