from __future__ import annotations

import pytest

from statedrill.faults import exhaust_db_connections
from statedrill.faults.base import Proof
from statedrill.faults.exhaust_db_connections import Arguments, ExhaustDbConnections
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


class FakeDatabase:
    """A database with three connections, which says no to the fourth if `refuses`."""

    def __init__(self) -> None:
        self.held, self.refuses = 0, True

    def exhaust_connections(self) -> None:
        self.held = 3

    def exhaustion(self) -> tuple[int, str]:
        return self.held, "too many clients" if self.held and self.refuses else ""

    def release_connections(self) -> None:
        self.held = 0

    def is_healthy(self) -> bool:
        return True


@pytest.fixture
def database(target: FakeTarget) -> FakeDatabase:
    made = FakeDatabase()
    target.services["database"] = made
    return made


def exhaust(target: FakeTarget) -> ExhaustDbConnections:
    return ExhaustDbConnections(target, Arguments())


def test_nothing_of_it_is_left_when_it_was_undone(
    target: FakeTarget, database: FakeDatabase
) -> None:
    assert_nothing_is_left(target, exhaust(target))
    assert database.held == 0


def test_the_server_s_own_refusal_is_the_proof(target: FakeTarget, database: FakeDatabase) -> None:
    fault = exhaust(target)
    fault.inject()
    said = "3 connections are held, and the next one is refused: too many clients"
    assert fault.prove() == Proof(True, said)
    assert not fault.is_over()


def test_without_a_refusal_it_is_not_proved(
    target: FakeTarget, database: FakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exhaust_db_connections, "_PROOF_S", 0.0)
    database.refuses = False
    fault = exhaust(target)
    fault.inject()
    said = "3 connections are held, and the next one is not refused"
    assert fault.prove() == Proof(False, said)
