from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults.base import Proof
from statedrill.faults.failover import Arguments
from statedrill.faults.reboot_db_instance import RebootDbInstance
from tests.faults.fake_target import FakeCache, FakeTarget, assert_nothing_is_left


class FakeDatabase(FakeCache):
    """The same pair of nodes, which ends in good order if `in_order`."""

    in_order = True

    def reboot(self) -> tuple[str, int]:
        name, _ = self.failover()
        return name, 0 if self.in_order else -9


@pytest.fixture
def database(target: FakeTarget) -> FakeDatabase:
    made = FakeDatabase()
    target.cache = made
    target.services["database"] = made
    return made


def test_nothing_of_it_is_left_when_it_was_undone(
    target: FakeTarget, database: FakeDatabase
) -> None:
    assert_nothing_is_left(target, RebootDbInstance(target, Arguments()))


def test_an_orderly_end_is_the_proof(target: FakeTarget, database: FakeDatabase) -> None:
    fault = RebootDbInstance(target, Arguments())
    database.in_order = False
    fault.inject()
    assert fault.prove() == Proof(False, "primary cache-1 shut down with exit code -9")
    target.restore()
    database.in_order = True
    fault.inject()
    assert fault.prove() == Proof(True, "primary cache-1 shut down with exit code 0")


def test_without_a_primary_that_is_alive_it_is_refused(
    target: FakeTarget, database: FakeDatabase
) -> None:
    database.failover()
    with pytest.raises(ControlError, match="the database has no primary that is alive"):
        RebootDbInstance(target, Arguments())


def test_a_service_that_knows_no_orderly_end_is_refused_beforehand(target: FakeTarget) -> None:
    target.services["database"] = FakeCache()
    why = RebootDbInstance.why_unavailable(target.capabilities)
    assert why == "the database of pattern tiny cannot be rebooted"
