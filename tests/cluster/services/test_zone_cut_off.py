"""A pair of which one node is in a zone that is cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from statedrill.cluster.network.impairments import NONE, Impairment
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.inputs.services import CacheOptions
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import SHOP, Writer, services_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def pairs(registry: ProcessRegistry) -> Iterator[tuple[MultiAzDatabase, ReplicationGroup]]:
    with services_of(registry, between_nodes=True) as context:
        database, cache = MultiAzDatabase(context, SHOP), ReplicationGroup(context, CacheOptions())
        context.endpoints.start()
        context.edges.start()
        database.start()
        cache.start()
        yield database, cache
        database.stop()
        cache.stop()


def zones(pair: MultiAzDatabase | ReplicationGroup) -> list[str]:
    """The zones of the primary and of the node that follows it."""
    return [node.zone for node in pair.nodes() if node.alive]


@pytest.mark.parametrize(("zone", "after"), [("a", ["b", "c"]), ("b", ["a", "c"])])
def test_it_is_fenced_and_the_pair_is_whole_in_the_other_zones_without_a_lost_row(
    pairs: tuple[MultiAzDatabase, ReplicationGroup], zone: str, after: list[str]
) -> None:
    with Writer(pairs[0]) as writer:
        wait_until(lambda: writer.acknowledged)
        pairs[0]._edges.impair_zone(zone, Impairment(cut=True))
        for pair in pairs:
            pair.zone_cut_off(zone)
        for pair in pairs:
            wait_until(lambda pair=pair: zones(pair) == after)
        count = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > count + 10)
        pairs[0]._edges.impair_zone(zone, NONE)
        for pair in pairs:
            pair.zone_up(zone)
            assert pair.is_healthy()
    assert set(writer.acknowledged) <= writer.kept()
    assert not writer.hung
    assert pairs[1].is_replicating()
