"""A cache whose data only a snapshot brings back: deleted, and flushed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from typing_extensions import override

from statedrill.errors import ControlError
from statedrill.faults import data_loss
from statedrill.faults.base import Fault, Proof
from statedrill.faults.data_loss import RestorePoint
from statedrill.faults.delete_replication_group import Arguments, DeleteReplicationGroup
from statedrill.faults.flush_cache import Arguments as FlushArguments
from statedrill.faults.flush_cache import FlushCache
from tests.faults.fake_target import FakeCache, FakeTarget, assert_nothing_is_left


class CacheWithSnapshots(FakeCache):
    """An ordered restore is done at once, and brings every key back."""

    def __init__(self) -> None:
        super().__init__()
        self.backed_up = True
        self.folders = ["cache-1", "cache-2", "log-1"]
        self.restored: list[RestorePoint | None] = []
        self.keeps_its_log = False

    def has_backup(self) -> bool:
        return self.backed_up

    def lose_data(self) -> list[str]:
        self.keys, self.folders = 0, ["log-1"] if self.keeps_its_log else []
        for part in self.parts:
            part.alive = False
        return ["cache-1", "cache-2"]

    def data_left(self) -> list[str]:
        return self.folders

    def order_restore(self, point: RestorePoint | None) -> None:
        self.restored.append(point)
        self.keys, self.folders = 100, ["cache-1", "cache-2", "log-1"]
        for part in self.parts:
            part.alive = True

    @override
    def is_healthy(self) -> bool:
        return bool(self.folders) and super().is_healthy()


@pytest.fixture
def cache(target: FakeTarget) -> CacheWithSnapshots:
    made = CacheWithSnapshots()
    target.cache = made
    target.services["cache"] = made
    return made


def delete(target: FakeTarget) -> Fault:
    return DeleteReplicationGroup(target, Arguments())


def flush(target: FakeTarget) -> Fault:
    return FlushCache(target, FlushArguments())


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("make", [delete, flush])
def test_nothing_of_it_is_left_when_it_was_restored(target: FakeTarget, make: type[Fault]) -> None:
    assert_nothing_is_left(target, make(target))


def test_that_nothing_of_it_exists_is_the_proof(
    target: FakeTarget, cache: CacheWithSnapshots
) -> None:
    fault = delete(target)
    fault.inject()
    gone = "cache-1 and cache-2 are gone with all that they held, and a snapshot is left"
    assert fault.prove() == Proof(True, gone)
    fault.undo()
    cache.keeps_its_log = True
    again = delete(target)
    again.inject()
    assert again.prove() == Proof(False, "of cache-1 and cache-2 there is still log-1")


def test_a_flush_is_over_when_what_was_there_before_it_is_restored(
    target: FakeTarget, cache: CacheWithSnapshots
) -> None:
    fault = flush(target)
    assert fault.targets == ["cache-1", "cache-2"]  # which the restore ends
    fault.inject()
    assert not fault.is_over()
    fault.undo()
    fault.undo()
    assert fault.is_over()
    (point,) = cache.restored
    assert point is not None


def test_a_flush_that_nothing_can_undo_is_over_at_once(
    target: FakeTarget, cache: CacheWithSnapshots
) -> None:
    cache.backed_up = False
    fault = flush(target)
    fault.inject()
    assert fault.is_over()
    fault.undo()
    assert cache.restored == []


def test_without_a_snapshot_the_cache_is_not_deleted(
    target: FakeTarget, cache: CacheWithSnapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_loss, "_BACKUP_S", 0.01)
    cache.backed_up = False
    with pytest.raises(ControlError, match="the cache has no backup yet"):
        delete(target)


def test_where_the_pattern_has_no_snapshots_it_is_refused_beforehand(
    target: FakeTarget,
) -> None:
    kinds = {**target.capabilities.services, "cache": CacheWithSnapshots}
    there = replace(target.capabilities, services=kinds, backed_up=set())
    why = DeleteReplicationGroup.why_unavailable(there)
    assert why.startswith("nothing to restore: the cache of pattern")
    there = replace(there, backed_up={"cache"})
    assert not DeleteReplicationGroup.why_unavailable(there)
