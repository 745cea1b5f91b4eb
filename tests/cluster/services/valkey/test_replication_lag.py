"""A replica that hears nothing of its primary: what it costs, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from statedrill.cluster.network.edges import Edges
from statedrill.cluster.services.valkey.node import connect
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.inputs.services import CacheOptions
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import services_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def cache(registry: ProcessRegistry) -> Iterator[ReplicationGroup]:
    with services_of(registry, between_nodes=True) as context:
        made = ReplicationGroup(context, CacheOptions())
        context.endpoints.start()
        context.edges.start()
        made.start()
        yield made
        made.stop()


def write(cache: ReplicationGroup, first: int, last: int) -> None:
    with connect(cache._endpoints.address("cache")) as session:
        for i in range(first, last):
            session.set(f"key-{i}", i)


def gap(cache: ReplicationGroup) -> int:
    primary, replica = cache.replication_offsets()
    return primary - replica


def test_a_failover_while_the_replica_lags_loses_what_was_acknowledged_meanwhile(
    cache: ReplicationGroup,
) -> None:
    write(cache, 0, 10)
    wait_until(cache.is_replicating)
    cache.cut_replication()
    write(cache, 10, 30)
    assert gap(cache) > 0
    assert not cache.is_replicating()
    old = cache.nodes()[0].name
    cache.failover()
    wait_until(lambda: cache.nodes()[0].name != old)
    assert cache.key_count() == 10
    wait_until(cache.is_replicating)  # a new replica has a way of its own
    assert len(cache._edges.between_nodes("cache")) == 1


def test_a_replica_that_hears_again_catches_up_and_nothing_is_lost(
    cache: ReplicationGroup,
) -> None:
    cache.cut_replication()
    write(cache, 0, 20)
    cache.restore_replication()
    cache.restore_replication()
    wait_until(cache.is_replicating)
    cache.failover()
    wait_until(cache.is_replicating)
    assert cache.key_count() == 20


def test_without_a_link_that_can_be_cut_it_replicates_directly(
    cache: ReplicationGroup, registry: ProcessRegistry
) -> None:
    (link,) = cache._edges.between_nodes("cache")
    standby = cache._standby
    assert standby is not None
    with standby.session() as session:
        found = session.info("replication")
    assert (found["master_host"], found["master_port"]) == link.address
    direct = Edges(registry, cache._context.network)
    assert direct.to_primary("cache-2/cache-1", ("b", "a"), "x", ("y", 1), lambda: True) == ("y", 1)
