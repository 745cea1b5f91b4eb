"""Backups of a database: what reaches which point in time, and what comes back after a disaster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from statedrill.cluster.services.postgres import data_directory
from statedrill.cluster.services.postgres.backups import DatabaseBackups
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.cluster.services.restorable_pair import RestorePoint
from statedrill.errors import ClusterError
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import SHOP, TIMINGS, Writer, connect, services_of
from tests.support.events import Events
from tests.support.waiting import wait_until

BACKED_UP = SHOP.model_copy(update={"backups": True})
SECOND_NS = 10**9


def point(position: str) -> RestorePoint:
    return RestorePoint(0, position)


@pytest.fixture
def backups(
    registry: ProcessRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DatabaseBackups:
    """Backups of which the base was taken at 0/1000000."""
    monkeypatch.setattr(data_directory, "hand_over", lambda folder: None)
    made = DatabaseBackups(tmp_path / 'it\'s 5% of "this"', "database", 10.0, registry)
    made.create()
    made._taken = point("0/1000000")
    return made


def archive(backups: DatabaseBackups, *names: str) -> None:
    for name in names:
        (backups._archive / name).touch()


def test_a_point_is_reached_when_the_log_behind_it_is_archived(backups: DatabaseBackups) -> None:
    assert backups.reach(None)
    assert not backups.reach(point("0/1000000"))
    archive(backups, "000000010000000000000004")  # 0/1000000 to 0/1400000
    assert backups.reach(point("0/1000000"))
    assert not backups.reach(point("0/13FFFF0")), "its record may end in the next segment"
    archive(backups, "00000002.history", "000000020000000000000005.partial", "0.17")
    assert not backups.reach(point("0/13FFFF0")), "none of these is a whole segment"
    archive(backups, "000000020000000000000005")
    assert backups.reach(point("0/13FFFF0"))
    assert not backups.reach(point("1/0"))
    archive(backups, "000000020000000100000000")
    assert backups.reach(point("1/0"))


def test_nothing_is_reached_without_a_base_backup(backups: DatabaseBackups) -> None:
    archive(backups, "000000010000000000000004")
    backups._taken = None
    assert not backups.reach(None)
    assert not backups.reach(point("0/1000000"))


def test_a_segment_is_closed_long_before_the_interval_is_over(backups: DatabaseBackups) -> None:
    assert "archive_timeout = 7s" in backups.settings()


@pytest.mark.cluster
class TestOfAServer:
    @pytest.fixture
    def database(self, registry: ProcessRegistry) -> Iterator[MultiAzDatabase]:
        timings = replace(TIMINGS, database_log_backup_s=2.0, database_restore_s=0.5)
        with services_of(registry, timings) as context:
            made = MultiAzDatabase(context, BACKED_UP)
            context.endpoints.start()
            made.start()
            made.cluster_is_ready()
            yield made
            made.stop()

    def test_a_lost_database_comes_back_on_new_nodes_with_what_was_archived(
        self, database: MultiAzDatabase, events: Events
    ) -> None:
        with Writer(database) as writer:
            wait_until(database.has_backup)
            wait_until(lambda: len(events.of("backup", what="log")) > 2)
            nodes = list(database._nodes.all())
            at_ns = time.monotonic_ns()
            assert database.lose_data() == ["database-1", "database-2"]
            assert not any(node.alive or node.data.exists() for node in nodes)
            assert database.data_left() == []
            assert not database.is_healthy()
            database.order_restore(None)
            served = len(writer.acknowledged)
            wait_until(lambda: len(writer.acknowledged) > served + 20)
            wait_until(database.is_healthy)
        [restored] = events.of("restore", service="database")
        assert restored["began"] > at_ns
        assert at_ns - 2.2 * SECOND_NS < restored["point"] < at_ns
        kept = writer.kept()
        lost = [each for each in writer.acknowledged if each not in kept]
        assert lost, "what was not archived is gone"
        between = [each for each in writer.acknowledged if lost[0] <= each <= lost[-1]]
        assert lost == between, "and nothing that is older or younger"
        assert {name for name, *_ in database.nodes()} == {"database-3", "database-4"}

    def test_a_wiped_table_comes_back_as_it_was_at_the_point_recorded_before(
        self, database: MultiAzDatabase, events: Events
    ) -> None:
        with Writer(database) as writer:
            wait_until(database.has_backup)
            wait_until(lambda: len(writer.acknowledged) > 50)
            before = set(writer.acknowledged)
            point = database.restore_point()
            wiped = database.wipe("written")
            assert wiped.rows_before >= len(before)
            assert wiped.rows_after == 0
            assert not before & writer.kept()
            database.order_restore(point)
            assert database.is_healthy() is False
            wait_until(database.is_healthy)
        assert before <= writer.kept()
        [restored] = events.of("restore", service="database")
        assert (restored["point"], restored["position"]) == point
        assert restored["t"] - restored["began"] >= SECOND_NS / 2

    def test_a_database_that_failed_over_and_was_restored_can_be_restored_again(
        self, database: MultiAzDatabase
    ) -> None:
        wait_until(database.has_backup)
        with connect(database) as session:
            session.query("CREATE TABLE t (i integer); INSERT INTO t VALUES (1)")
        database.failover()
        wait_until(database.is_healthy)
        for value in (2, 3):
            with connect(database) as session:
                session.query(f"INSERT INTO t VALUES ({value})")
            point = database.restore_point()
            database.wipe("t")
            database.order_restore(point)
            wait_until(database.is_healthy)
        with connect(database) as session:
            assert session.query("SELECT i FROM t ORDER BY i") == [("1",), ("2",), ("3",)]

    def test_what_is_not_whole_is_not_destroyed(self, database: MultiAzDatabase) -> None:
        database.failover()
        with pytest.raises(ClusterError, match="has not both of its nodes"):
            database.lose_data()

    def test_what_nobody_restored_is_restored_with_the_rest_of_the_cluster(
        self, database: MultiAzDatabase, events: Events
    ) -> None:
        wait_until(database.has_backup)
        database.lose_data()
        database.restore()
        assert database.is_healthy()
        assert len(events.of("restore")) == 1

    def test_a_table_that_does_not_exist_cannot_be_wiped(self, database: MultiAzDatabase) -> None:
        with pytest.raises(ClusterError, match='relation "none" does not exist'):
            database.wipe("none")
