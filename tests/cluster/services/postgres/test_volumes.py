"""A database on volumes of limited size: as any other, until they are full and after that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.postgres import multi_az, volume
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.errors import MissingPart
from statedrill.processes.registry import ProcessRegistry
from statedrill.vocabulary import Equipment
from tests.cluster.support import SHOP, Writer, services_of
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


def on_volumes(context: ServiceContext) -> ServiceContext:
    equipped = replace(context.cluster, equipment=frozenset({Equipment.VOLUMES}))
    return replace(context, cluster=equipped)


@pytest.fixture
def database(registry: ProcessRegistry) -> Iterator[MultiAzDatabase]:
    with services_of(registry) as context:
        made = MultiAzDatabase(on_volumes(context), SHOP)
        context.endpoints.start()
        made.start()
        yield made
        made.stop()


def test_full_volumes_stop_the_database_and_lose_nothing_when_they_grow(
    database: MultiAzDatabase, registry: ProcessRegistry, events: Events
) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        database.fill_volumes()
        assert database.has_full_volumes()
        assert "No space left on device" in wait_until(database.out_of_space)
        failed = writer.failures
        wait_until(lambda: writer.failures > failed + 300)  # for longer than a failover takes
        wait_until(lambda: not database.is_healthy())  # it starts, and fails, again and again
        assert events.of("failover") == []
        database.grow_volumes()
        database.grow_volumes()
        assert not database.has_full_volumes()
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 50)
        wait_until(database.is_healthy)
    assert set(writer.acknowledged) <= writer.kept()
    volume = database.node("primary").volume
    assert volume is not None
    assert volume.free_bytes() > 2**29  # it is the old standby's, which was filled
    database.stop()
    assert [process.name for process in registry.alive()] == ["endpoints"]
    assert list(registry.folder.glob("database-*")) == []


def test_what_the_primary_said_of_an_earlier_full_volume_is_no_proof(
    database: MultiAzDatabase, registry: ProcessRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume.LimitedVolume, "fill", lambda self: None)
    monkeypatch.setattr(multi_az, "use_up_segments", lambda primary: None)
    log = registry.logs / f"{database.node('primary').name}.log"

    def say() -> None:
        with log.open("a") as end:
            end.write("[1] PANIC: No space left on device\n")

    say()
    database.fill_volumes()
    assert not database.out_of_space()
    say()
    assert database.out_of_space() == "PANIC: No space left on device"


def test_a_volume_outlives_the_node_in_a_zone_that_is_lost(database: MultiAzDatabase) -> None:
    with Writer(database) as writer:
        wait_until(lambda: len(writer.acknowledged) > 50)
        for zone in ("b", "c", "a"):
            database.zone_down(zone)
        database.zone_up("a")
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 50)
    assert set(writer.acknowledged) <= writer.kept()


def test_without_user_namespaces_it_is_said_what_is_missing(
    registry: ProcessRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume, "_NAMESPACES", ("--no-such-namespace",))
    with services_of(registry) as context:
        made = MultiAzDatabase(on_volumes(context), SHOP)
        with pytest.raises(MissingPart, match="needs Linux with user namespaces"):
            made.start()
        made.stop()
