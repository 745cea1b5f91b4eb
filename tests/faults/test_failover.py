from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults.base import Proof
from statedrill.faults.failover import Arguments, TestFailover
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def failover(target: FakeTarget) -> TestFailover:
    return TestFailover(target, Arguments())


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, failover(target))


def test_the_primary_is_killed_and_its_process_is_gone(target: FakeTarget) -> None:
    fault = failover(target)
    assert fault.targets == ["cache-1"]
    fault.inject()
    assert fault.prove() == Proof(True, "primary cache-1 (pid 31) is gone")
    target.cache.parts[0].alive = True
    assert fault.prove() == Proof(False, "primary cache-1 (pid 31) is still there")


def test_without_a_primary_that_is_alive_it_is_refused(target: FakeTarget) -> None:
    failover(target).inject()
    with pytest.raises(ControlError, match="no primary that is alive"):
        failover(target)
