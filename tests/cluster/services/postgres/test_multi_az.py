from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from statedrill.cluster.services.postgres import data_directory, node
from statedrill.cluster.services.postgres.client import PostgresError
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.errors import ClusterError
from statedrill.faults.freeze_node import FreezeDbNode
from statedrill.processes.process import MARKER
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import SHOP, Writer, connect, services_of
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def database(registry: ProcessRegistry) -> Iterator[MultiAzDatabase]:
    with services_of(registry) as context:
        made = MultiAzDatabase(context, SHOP)
        context.endpoints.start()
        made.start()
        yield made
        made.stop()


def zones(database: MultiAzDatabase) -> dict[str, tuple[str, bool]]:
    return {role: (zone, alive) for _, zone, role, alive in database.nodes()}


def name_of(database: MultiAzDatabase, role: str) -> str:
    return next((name for name, _, each, _ in database.nodes() if each == role), "")


def kill(registry: ProcessRegistry, name: str) -> None:
    """As a fault from outside: the server alone, without a word to the service."""
    next(process for process in registry.alive() if process.name == name).kill()


def synchronous(database: MultiAzDatabase) -> bool:
    primary = database._primary
    assert primary is not None
    with primary.session() as session:
        rows = session.query("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
    return rows == [("sync",)]


def test_a_started_database_is_a_pair_in_two_zones_that_commits_to_both(
    database: MultiAzDatabase,
) -> None:
    assert zones(database) == {"primary": ("a", True), "standby": ("b", True)}
    assert database.is_healthy()
    assert synchronous(database)
    with connect(database) as session:
        session.query("CREATE TABLE t (i integer)")
        session.query("INSERT INTO t VALUES (1)")
        assert session.query("SELECT i, NULL FROM t") == [("1", None)]


def test_a_sample_says_how_far_the_standby_is_and_follows_a_failover(
    database: MultiAzDatabase, registry: ProcessRegistry
) -> None:
    before = database.sample()
    with connect(database) as session:
        session.query("CREATE TABLE t (i integer)")
        session.query("INSERT INTO t SELECT generate_series(1, 1000)")
    after = wait_until(lambda: (seen := database.sample())["applied"] >= seen["written"] and seen)
    assert after["written"] - before["written"] > 10_000
    assert (after["node"], after["replica"]) == ("database-1", "database-2")
    kill(registry, "database-1")
    wait_until(database.is_healthy)
    assert wait_until(database.sample)["node"] == "database-2"


def test_a_failover_loses_no_acknowledged_row(
    database: MultiAzDatabase, registry: ProcessRegistry, events: Events
) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 200)
        old, heir = name_of(database, "primary"), name_of(database, "standby")
        kill(registry, old)
        wait_until(lambda: name_of(database, "primary") == heir)
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 100)
        wait_until(database.is_healthy)
    assert not writer.hung
    assert set(writer.acknowledged) <= writer.kept()
    assert [(e["from"], e["to"]) for e in events.of("failover", service="database")] == [
        (old, heir)
    ]
    assert synchronous(database)


def test_a_failover_takes_its_time_and_connections_fail_fast_meanwhile(
    database: MultiAzDatabase, events: Events
) -> None:
    with connect(database) as session:
        name, pid = database.failover()
        assert not psutil.pid_exists(pid)
        with pytest.raises((OSError, PostgresError)):
            session.query("SELECT 1")
    wait_until(lambda: database._endpoints.target("database") is None)
    with pytest.raises(ConnectionError):
        connect(database)
    moved = wait_until(lambda: events.of("failover", service="database"))[0]
    died = events.of("process", name=name, state="dead")[0]
    assert moved["t"] - died["t"] >= 0.6e9
    wait_until(database.is_healthy)
    assert zones(database)["standby"] == ("a", True)


def test_a_reboot_ends_the_primary_in_good_order_and_loses_no_acknowledged_row(
    database: MultiAzDatabase, registry: ProcessRegistry, events: Events
) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        heir = name_of(database, "standby")
        name, code = database.reboot()
        assert code == 0
        assert "database system is shut down" in (registry.logs / f"{name}.log").read_text()
        wait_until(lambda: events.of("failover", service="database"))
        assert name_of(database, "primary") == heir
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 50)
        wait_until(database.is_healthy)
    assert not writer.hung
    assert set(writer.acknowledged) <= writer.kept()


def test_a_primary_that_does_not_end_in_good_order_is_killed_and_fails_over_now(
    database: MultiAzDatabase, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "_SHUT_DOWN_S", 0.1)
    database._delays = replace(database._delays, detection_s=600.0)
    primary = database.node("primary")
    primary.freeze()
    assert database.reboot() == (primary.name, -signal.SIGKILL)
    wait_until(lambda: events.of("failover", service="database"))


def test_commits_do_not_hang_when_the_standby_dies(
    database: MultiAzDatabase, registry: ProcessRegistry
) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        kill(registry, name_of(database, "standby"))
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 100)
        wait_until(database.is_healthy)
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 100)
    assert not writer.hung
    assert synchronous(database)
    assert set(writer.acknowledged) <= writer.kept()


def test_commits_go_on_when_the_standby_is_frozen(
    database: MultiAzDatabase, registry: ProcessRegistry
) -> None:
    frozen = name_of(database, "standby")
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        server = next(process for process in registry.alive() if process.name == frozen)
        for each in (psutil.Process(server.pid), *psutil.Process(server.pid).children()):
            os.kill(each.pid, signal.SIGSTOP)
        wait_until(lambda: name_of(database, "standby") != frozen)
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 100)
    assert not writer.hung


def test_a_primary_that_hangs_is_fenced_before_the_standby_takes_over(
    database: MultiAzDatabase, events: Events
) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        frozen = database.node("primary")
        frozen.freeze()
        wait_until(frozen.is_frozen)
        began_s = time.monotonic()
        wait_until(lambda: not frozen.alive)
        assert time.monotonic() - began_s > 1.0 - 2 * 0.25  # the detection, and not its failure
        moved = wait_until(lambda: events.of("failover", service="database"))[0]
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 50)
        wait_until(database.is_healthy)
    (died,) = events.of("process", name=frozen.name, state="dead")
    assert died["t"] < moved["t"]
    assert set(writer.acknowledged) <= writer.kept()


def test_a_primary_that_hangs_for_a_moment_goes_on(
    database: MultiAzDatabase, events: Events
) -> None:
    database._delays = replace(database._delays, detection_s=600.0)
    with Writer(database) as writer:
        primary = database.node("primary")
        primary.freeze()
        wait_until(lambda: primary.silent_since_s)
        primary.thaw()
        primary.thaw()
        wait_until(lambda: primary.silent_since_s is None)
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 50)
    assert database.node("primary") is primary
    assert events.of("failover") == []


def test_when_a_frozen_primary_s_owner_is_killed_its_backends_end_after_the_undo(
    database: MultiAzDatabase,
) -> None:
    primary = database.node("primary")
    primary.freeze()
    wait_until(primary.is_frozen)
    processes = primary.processes()
    os.kill(primary.pid, signal.SIGKILL)  # as the kernel does when the owner dies
    backends = [pid for pid in processes if pid != primary.pid]
    wait_until(lambda: not psutil.pid_exists(primary.pid))
    assert all(psutil.pid_exists(each) for each in backends)
    left = {"processes": [list(each) for each in processes.items()]}
    FreezeDbNode.undo_left_behind(left)
    wait_until(lambda: not any(psutil.pid_exists(each) for each in backends))


def test_an_exhausted_database_refuses_everybody_but_its_supervision(
    database: MultiAzDatabase, registry: ProcessRegistry, events: Events
) -> None:
    with connect(database) as early:
        database.exhaust_connections()
        wait_until(lambda: database.exhaustion()[1])
        held, refusal = database.exhaustion()
        assert held > 80
        assert "53300" in refusal
        assert early.query("SELECT 1") == [("1",)]
        with pytest.raises(PostgresError, match="53300"):
            connect(database)
        kill(registry, name_of(database, "standby"))
        wait_until(lambda: not database.is_healthy())
        wait_until(database.is_healthy)
    wait_until(lambda: database.exhaustion()[0] > held)  # what becomes free is taken, too
    database.release_connections()
    database.release_connections()
    wait_until(lambda: can_connect(database))
    assert events.of("failover") == []


def can_connect(database: MultiAzDatabase) -> bool:
    try:
        connect(database).close()
    except PostgresError:
        return False
    return True


def test_a_rebuilt_standby_has_what_was_written_without_one(
    database: MultiAzDatabase, registry: ProcessRegistry
) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        kill(registry, name_of(database, "standby"))
        wait_until(lambda: not name_of(database, "standby"))
        wait_until(database.is_healthy)
        kill(registry, name_of(database, "primary"))
        wait_until(lambda: zones(database)["primary"][0] == "b")
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 50)
    assert set(writer.acknowledged) <= writer.kept()


def test_a_lost_zone_fails_over_and_the_standby_moves_to_a_zone_that_is_up(
    database: MultiAzDatabase,
) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        database.zone_down("a")
        wait_until(database.is_healthy)
        assert zones(database) == {"primary": ("b", True), "standby": ("c", True)}
        database.zone_up("a")
    assert set(writer.acknowledged) <= writer.kept()


def test_a_primary_that_dies_without_a_standby_comes_back_with_everything(
    database: MultiAzDatabase, events: Events
) -> None:
    with Writer(database) as writer:
        for zone in ("b", "c"):
            database.zone_down(zone)
        wait_until(lambda: not name_of(database, "standby"))
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 50)
        failed = writer.failures
        database.zone_down("a")
        wait_until(lambda: writer.failures > failed)
        before = len(writer.acknowledged)
        for zone in ("b", "c"):
            database.zone_up(zone)
        # Its volume is in zone a: nobody else may take over, however long that takes.
        wait_until(lambda: writer.failures > failed + 400)
        assert len(writer.acknowledged) == before
        database.zone_up("a")
        wait_until(lambda: len(writer.acknowledged) > before + 50)
        wait_until(database.is_healthy)
    assert set(writer.acknowledged) <= writer.kept()
    assert events.of("failover") == []


@pytest.mark.parametrize("returns", ["a", "b"])
def test_when_both_zones_are_lost_at_once_whichever_returns_first_has_everything(
    database: MultiAzDatabase, returns: str
) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        primary, standby = database._primary, database._standby
        assert primary is not None
        assert standby is not None
        with database._nodes._lock:  # the zones go before the service can look
            database._nodes._up_since_s = {"c": 0.0}
            primary.kill()
            standby.kill()
        failed = writer.failures
        wait_until(lambda: writer.failures > failed)
        before = len(writer.acknowledged)
        database.zone_up(returns)
        wait_until(lambda: len(writer.acknowledged) > before + 50)
        assert zones(database)["primary"] == (returns, True)
        wait_until(database.is_healthy)
    assert set(writer.acknowledged) <= writer.kept()


def test_heal_brings_every_node_back_without_waiting_for_the_rebuild(
    database: MultiAzDatabase,
) -> None:
    database._delays = replace(database._delays, failover_s=0.2, rebuild_s=600.0)
    for zone in ("a", "b"):
        database.zone_down(zone)
    assert not database.is_healthy()
    database.restore()
    assert database.is_healthy()
    database.restore()  # nothing to do
    assert synchronous(database)


def test_heal_says_what_kept_it_from_being_whole(database: MultiAzDatabase) -> None:
    database.zone_down("b")
    with pytest.raises(ClusterError, match="the database was not whole again within"):
        database.restore(timeout_s=0.001)


def test_a_failover_needs_a_primary(database: MultiAzDatabase) -> None:
    for zone in ("a", "b", "c"):
        database.zone_down(zone)
    with pytest.raises(ClusterError, match="no primary that is alive"):
        database.failover()


def test_stop_ends_every_backend_and_removes_the_data(
    database: MultiAzDatabase, registry: ProcessRegistry
) -> None:
    with connect(database):
        database.stop()
    database.stop()
    left = [p.pid for p in psutil.process_iter() if marker_of(p) == registry.cluster]
    assert left == [p.pid for p in registry.alive("region")]
    assert list(registry.folder.glob("database-*")) == []


def marker_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARKER)
    except psutil.Error:
        return None


@pytest.mark.skipif(os.getuid() != 0, reason="only root drops privileges")
def test_root_without_user_namespaces_becomes_nobody(
    registry: ProcessRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = data_directory._works
    monkeypatch.setattr(
        data_directory, "_works", lambda command: command[0] != "unshare" and works(command)
    )
    data_directory.runner.cache_clear()
    try:
        with services_of(registry) as context:
            made = MultiAzDatabase(context, SHOP)
            context.endpoints.start()
            made.start()
            primary = made._primary
            assert primary is not None
            assert psutil.Process(primary.pid).uids().effective == 65534
            made.failover()
            wait_until(made.is_healthy)
            made.stop()
            assert not made._root.exists()
            segments = subprocess.run(["ipcs", "-m"], capture_output=True, text=True, check=True)
            assert "nobody" not in segments.stdout
    finally:
        data_directory.runner.cache_clear()
