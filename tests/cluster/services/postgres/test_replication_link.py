"""The way between primary and standby when it can be broken."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from statedrill.cluster.network.impairments import NONE, Impairment
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import SHOP, connect, services_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

DELAY_S = 0.05


@pytest.fixture
def database(registry: ProcessRegistry) -> Iterator[MultiAzDatabase]:
    with services_of(registry, between_nodes=True) as context:
        made = MultiAzDatabase(context, SHOP)
        context.endpoints.start()
        context.edges.start()
        made.start()
        yield made
        made.stop()


def commit_s(database: MultiAzDatabase) -> float:
    with connect(database, timeout_s=10.0) as session:
        session.query("CREATE TABLE IF NOT EXISTS t (i integer)")
        begin = time.monotonic()
        session.query("INSERT INTO t VALUES (1)")
        return time.monotonic() - begin


def test_a_commit_waits_for_the_way_to_the_standby_and_a_rebuilt_standby_has_one_too(
    database: MultiAzDatabase,
) -> None:
    edges = database._edges
    for zone, slow in (("b", True), ("c", False)):
        edges.impair_zone(zone, Impairment(DELAY_S))
        assert (commit_s(database) >= 2 * DELAY_S) is slow
        edges.impair_zone(zone, NONE)
    database.failover()
    wait_until(database.is_healthy)
    (link,) = edges.between_nodes("database")
    assert link.ends() == ("a", "b")
    edges.impair_zone("a", Impairment(DELAY_S))
    assert commit_s(database) >= 2 * DELAY_S
