from __future__ import annotations

from collections.abc import Sequence

import pytest

from statedrill.errors import ControlError
from statedrill.faults import fill_db_storage
from statedrill.faults.base import Proof
from statedrill.faults.fill_db_storage import Arguments, FillDbStorage
from tests.faults.fake_target import FakeNode, FakePart, FakeTarget, assert_nothing_is_left


class FakeDatabase:
    """Two nodes on volumes; the primary notices that they are full if `notices`."""

    def __init__(self) -> None:
        self.parts = [FakePart("database-1", "a", 41), FakePart("database-2", "b", 42)]
        self.is_full, self.notices = False, True

    def nodes(self) -> Sequence[FakeNode]:
        roles = ("primary", "standby")
        return [FakeNode(part, role) for part, role in zip(self.parts, roles, strict=True)]

    def fill_volumes(self) -> None:
        self.is_full = True

    def grow_volumes(self) -> None:
        self.is_full = False

    def has_full_volumes(self) -> bool:
        return self.is_full

    def out_of_space(self) -> str:
        return "PANIC: no space" if self.is_full and self.notices else ""

    def is_healthy(self) -> bool:
        return not self.is_full


@pytest.fixture
def database(target: FakeTarget) -> FakeDatabase:
    made = FakeDatabase()
    target.services["database"] = made
    return made


def fill(target: FakeTarget) -> FillDbStorage:
    return FillDbStorage(target, Arguments())


def test_nothing_of_it_is_left_when_it_was_undone(
    target: FakeTarget, database: FakeDatabase
) -> None:
    assert_nothing_is_left(target, fill(target))
    assert not database.is_full


def test_the_primary_s_own_words_are_the_proof(target: FakeTarget, database: FakeDatabase) -> None:
    fault = fill(target)
    assert fault.targets == ["database-1", "database-2"]
    fault.inject()
    filled = "the volumes of database-1 and database-2 were filled, and the primary "
    assert fault.prove() == Proof(True, f"{filled}said: PANIC: no space")
    assert not fault.is_over()


def test_a_database_that_writes_on_is_no_proof(
    target: FakeTarget, database: FakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill_db_storage, "_PROOF_S", 0.0)
    database.notices = False
    fault = fill(target)
    fault.inject()
    assert not fault.prove().proved


def test_full_volumes_are_not_filled_again(target: FakeTarget, database: FakeDatabase) -> None:
    fill(target).inject()
    with pytest.raises(ControlError, match="full already"):
        fill(target)
