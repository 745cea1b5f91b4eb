from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from statedrill.cluster.services.postgres.client import PostgresConnection, PostgresError
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.inputs.services import DatabaseOptions
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import Writer, connect, services_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

READER = "database-reader"


@pytest.fixture
def database(registry: ProcessRegistry) -> Iterator[MultiAzDatabase]:
    with services_of(registry) as context:
        made = MultiAzDatabase(context, DatabaseOptions(name="shop", user="shop", replicas=2))
        context.endpoints.start()
        made.start()
        yield made
        made.stop()


def replicas(database: MultiAzDatabase) -> dict[str, str]:
    """Those that live: name -> zone."""
    return {
        name: zone
        for name, zone, role, alive in database.nodes()
        if role == "read-replica" and alive
    }


def read(database: MultiAzDatabase, sql: str) -> str:
    """A value, through the reader endpoint."""
    address = database._endpoints.address(READER)
    with PostgresConnection(address, user="shop", database="shop", timeout_s=5.0) as session:
        return str(session.query(sql)[0][0])


def everywhere(database: MultiAzDatabase, sql: str) -> set[str]:
    """What the replicas say, each at least once."""
    return {read(database, sql) for _ in range(4)}


def readers(database: MultiAzDatabase) -> set[str]:
    """The addresses of whoever answers at the reader endpoint."""
    found = set()
    for _ in range(4):
        with contextlib.suppress(OSError):  # one that died a moment ago is still led to
            found.add(read(database, "SELECT host(inet_server_addr())"))
    return found


def settings(database: MultiAzDatabase) -> set[str]:
    """What the replicas are set to."""
    found = set()
    for node in database.read_replicas().living():
        with node.session() as session:
            found.add(str(session.query("SHOW recovery_min_apply_delay")[0][0]))
    return found


def kill(registry: ProcessRegistry, name: str) -> None:
    """As a fault from outside: the server alone, without a word to the service."""
    next(process for process in registry.alive() if process.name == name).kill()


def test_replicas_in_other_zones_share_one_name_that_only_reads(
    database: MultiAzDatabase,
) -> None:
    assert replicas(database) == {"database-replica-1": "c", "database-replica-2": "b"}
    assert database.is_healthy()
    assert len(readers(database)) == 2
    host, port = database._endpoints.address(READER)
    told = database.environment("a")
    assert told["DATABASE_READER_URL"] == f"postgresql://shop@{host}:{port}/shop"
    with pytest.raises(PostgresError, match="read-only"):
        read(database, "CREATE TABLE t (i integer)")


def test_what_is_written_arrives_and_a_sample_says_how_far_each_replica_is(
    database: MultiAzDatabase,
) -> None:
    with connect(database) as session:
        session.query("CREATE TABLE t AS SELECT generate_series(1, 1000) AS i")
    seen = database.sample()
    assert set(seen["read_replicas"]) == set(replicas(database))
    wait_until(lambda: everywhere(database, "SELECT count(to_regclass('t'))") == {"1"})
    wait_until(lambda: everywhere(database, "SELECT count(*) FROM t") == {"1000"})
    wait_until(lambda: min(database.sample()["read_replicas"].values()) >= seen["written"])


def test_replicas_follow_the_heir_of_a_failover_and_have_what_was_acknowledged(
    database: MultiAzDatabase,
) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 100)
        database.failover()
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 100)
        wait_until(database.is_healthy)
    assert set(replicas(database)) == {"database-replica-1", "database-replica-2"}
    last = writer.acknowledged[-1]
    for _ in range(2):
        wait_until(lambda: int(read(database, "SELECT max(i) FROM written")) >= last)
        rows = int(read(database, "SELECT count(*) FROM written"))
        assert rows >= len(writer.acknowledged)


def test_a_dead_replica_leaves_the_name_and_is_replaced_in_its_zone(
    database: MultiAzDatabase, registry: ProcessRegistry
) -> None:
    kill(registry, "database-replica-1")
    wait_until(lambda: "database-replica-1" not in replicas(database))
    assert not database.is_healthy()
    wait_until(lambda: len(readers(database)) == 1)
    with connect(database) as session:
        session.query("CREATE TABLE t (i integer)")
    wait_until(database.is_healthy)
    assert replicas(database) == {"database-replica-3": "c", "database-replica-2": "b"}
    assert len(readers(database)) == 2
    wait_until(lambda: everywhere(database, "SELECT count(to_regclass('t'))") == {"1"})


def test_replicas_of_a_zone_are_away_until_it_returns(database: MultiAzDatabase) -> None:
    database.zone_down("c")
    assert replicas(database) == {"database-replica-2": "b"}
    wait_until(lambda: len(readers(database)) == 1)
    database.restore()
    assert set(replicas(database)) == {"database-replica-3", "database-replica-2"}


def test_replicas_follow_the_primary_when_the_standby_is_gone(
    database: MultiAzDatabase, registry: ProcessRegistry
) -> None:
    kill(registry, "database-2")
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        # Whether there is such a table is not yet known everywhere.
        wait_until(lambda: everywhere(database, "SELECT count(to_regclass('written'))") == {"1"})
        last = writer.acknowledged[-1]
        for _ in range(2):
            wait_until(
                lambda: int(read(database, "SELECT coalesce(max(i), 0) FROM written")) >= last
            )
        wait_until(database.is_healthy)


def test_a_replica_that_lags_shows_the_past_and_stays_at_its_name(
    database: MultiAzDatabase,
) -> None:
    with connect(database) as session:
        session.query("CREATE TABLE t (i integer)")
        wait_until(lambda: everywhere(database, "SELECT count(to_regclass('t'))") == {"1"})
        database.read_replicas().delay(30.0)
        wait_until(lambda: settings(database) == {"30s"})
        session.query("INSERT INTO t VALUES (1)")
    assert read(database, "SELECT count(*) FROM t") == "0"
    assert len(readers(database)) == 2
    assert database.is_healthy()
    database.read_replicas().delay(0.0)
    wait_until(lambda: everywhere(database, "SELECT count(*) FROM t") == {"1"})
