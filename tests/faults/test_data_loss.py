"""Faults that destroy the data of the database, and the restore that ends them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from statedrill import faults
from statedrill.errors import ClusterError, ControlError
from statedrill.faults import data_loss, delete_db_instance, wipe_table
from statedrill.faults.base import Fault, Proof
from statedrill.faults.data_loss import RestorePoint
from statedrill.faults.delete_db_instance import DeleteDbInstance
from statedrill.faults.wipe_table import WipeTable
from tests.faults.fake_target import FakeNode, FakePart, FakeTarget, assert_nothing_is_left

ROWS = 90
NOW = RestorePoint(7, "0/123")


class FakeDatabase:
    """Two nodes and a table; an ordered restore is done at once."""

    def __init__(self) -> None:
        self.parts = [FakePart("database-1", "a", 41), FakePart("database-2", "b", 42)]
        self.rows, self.backed_up, self.folders = ROWS, True, ["database-1", "database-2"]
        self.restored: list[RestorePoint | None] = []
        self.wiped_only_in_part = False

    def nodes(self) -> Sequence[FakeNode]:
        roles = ("primary", "standby")
        return [FakeNode(part, role) for part, role in zip(self.parts, roles, strict=True)]

    def has_backup(self) -> bool:
        return self.backed_up

    def restore_point(self) -> RestorePoint:
        return NOW

    def order_restore(self, point: RestorePoint | None) -> None:
        self.restored.append(point)
        self.rows, self.folders = ROWS, ["database-1", "database-2"]

    def lose_data(self) -> list[str]:
        self.folders = self.folders[:1] if self.wiped_only_in_part else []
        return ["database-1", "database-2"]

    def data_left(self) -> list[str]:
        return self.folders

    def wipe(self, table: str) -> tuple[int, int]:
        if table != "objects":
            raise ClusterError(f"there is no {table}")
        before, self.rows = self.rows, 1 if self.wiped_only_in_part else 0
        return before, self.rows

    def is_healthy(self) -> bool:
        return len(self.folders) == 2


@pytest.fixture
def database(target: FakeTarget) -> FakeDatabase:
    made = FakeDatabase()
    target.services["database"] = made
    return made


def lose(target: FakeTarget) -> Fault:
    return DeleteDbInstance(target, delete_db_instance.Arguments())


def wipe(target: FakeTarget, table: str = "objects") -> Fault:
    return WipeTable(target, wipe_table.Arguments(table))


@pytest.mark.parametrize("make", [lose, wipe])
def test_nothing_of_it_is_left_when_it_was_restored(
    target: FakeTarget, database: FakeDatabase, make: Callable[[FakeTarget], Fault]
) -> None:
    assert_nothing_is_left(target, make(target))
    assert (database.rows, database.folders) == (ROWS, ["database-1", "database-2"])
    assert len(database.restored) == 1, "undone twice, restored once"


def test_a_lost_database_is_restored_as_far_as_there_are_backups(
    target: FakeTarget, database: FakeDatabase
) -> None:
    fault = lose(target)
    assert list(fault.targets) == ["database-1", "database-2"]
    fault.inject()
    assert fault.prove().proved
    assert not fault.is_over()
    fault.undo()
    assert database.restored == [None]
    assert fault.is_over()


def test_what_is_left_of_a_database_disproves_its_loss(
    target: FakeTarget, database: FakeDatabase
) -> None:
    database.wiped_only_in_part = True
    fault = lose(target)
    fault.inject()
    said = "of database-1 and database-2 there is still database-1"
    assert fault.prove() == Proof(False, said)


def test_a_wiped_table_is_restored_to_the_point_before(
    target: FakeTarget, database: FakeDatabase
) -> None:
    fault = wipe(target)
    fault.inject()
    said = "table objects had 90 rows and then 0; the restore point is 0/123"
    assert fault.prove() == Proof(True, said)
    assert not fault.is_over(), "the database serves, and its table is empty"
    fault.undo()
    assert database.restored == [NOW]
    assert fault.is_over()


def test_rows_that_are_left_or_never_were_prove_no_wipe(
    target: FakeTarget, database: FakeDatabase
) -> None:
    database.wiped_only_in_part = True
    fault = wipe(target)
    fault.inject()
    assert not fault.prove().proved
    database.wiped_only_in_part, database.rows = False, 0
    fault = wipe(target)
    fault.inject()
    assert not fault.prove().proved


def test_what_may_have_been_wiped_is_restored_whatever_the_database_said(
    target: FakeTarget, database: FakeDatabase
) -> None:
    fault = wipe(target, "unknown")
    with pytest.raises(ClusterError):
        fault.inject()
    fault.undo()
    assert database.restored == [NOW]


def test_nothing_is_destroyed_before_there_is_a_backup(
    target: FakeTarget, database: FakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_loss, "_BACKUP_S", 0.0)
    database.backed_up = False
    for make in (lose, wipe):
        with pytest.raises(ControlError, match="the database has no backup yet"):
            make(target)


def test_a_pattern_without_backups_is_refused_beforehand(
    target: FakeTarget, database: FakeDatabase
) -> None:
    functions = ("delete_db_instance", "wipe_table")
    called: list[tuple[str, dict[str, object]]] = [
        (f"statedrill.faults.rds.{each}", {}) for each in functions
    ]
    why = "nothing to restore: the database of pattern tiny has no backups"
    refused = faults.refusals(called, target.capabilities)
    assert refused == [f"delete_db_instance: {why}", f"wipe_table: {why}"]
    backed_up = replace(target.capabilities, backed_up={"database"})
    assert faults.refusals(called, backed_up) == []
