from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults import throttle_cpu
from statedrill.faults.base import Proof
from statedrill.faults.throttle_cpu import Arguments, ThrottleCpu
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle_cpu, "_LOOK_S", 0.0)


def throttle(target: FakeTarget, *ids: str, percent: int = 20) -> ThrottleCpu:
    return ThrottleCpu(target, Arguments(ids, percent=percent))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, throttle(target))


def test_an_instance_that_often_stands_still_is_the_proof(target: FakeTarget) -> None:
    fault = throttle(target, "i-1")
    assert (fault.targets, fault.phrase) == (["i-1"], "one instance got slow")
    fault.inject()
    assert fault.prove() == Proof(True, "i-1 (pid 11) stood still at 50 of 50 looks")
    assert target.instances[1].share == 0.2
    target.instances[1].process.resume()
    assert fault.prove() == Proof(False, "i-1 (pid 11) stood still at 0 of 50 looks")


def test_it_lasts_until_it_is_undone_or_the_instance_is_gone(target: FakeTarget) -> None:
    fault = throttle(target, "i-0", "i-1")
    fault.inject()
    assert not fault.is_over()
    target.kill_instances(["i-0"])
    target.instances[1].unthrottle_cpu()
    target.fleet.members.pop(0)
    assert fault.is_over()


def test_an_impossible_share_is_refused(target: FakeTarget) -> None:
    for percent in (0, 100):
        with pytest.raises(ControlError, match=f"Percent is {percent}"):
            throttle(target, percent=percent)
