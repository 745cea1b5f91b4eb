from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults import set_desired_capacity
from statedrill.faults.base import Capabilities, Proof
from statedrill.faults.set_desired_capacity import Arguments, SetDesiredCapacity
from tests.faults.fake_target import FakeTarget


def scale(target: FakeTarget, capacity: int) -> SetDesiredCapacity:
    return SetDesiredCapacity(target, Arguments(capacity))


def zones(target: FakeTarget) -> list[str]:
    return sorted(each.zone for each in target.in_service())


def test_undone_the_group_has_its_former_number_in_every_zone(target: FakeTarget) -> None:
    for capacity in (2, 5):
        fault, before = scale(target, capacity), zones(target)
        fault.inject()
        assert fault.prove().proved
        assert fault.is_over()
        assert zones(target) != before
        fault.undo()
        fault.undo()
        assert fault.is_over()
        assert (zones(target), target.group().desired, target.missing()) == (before, 3, [])


def test_a_group_of_one_for_each_shard_is_not_scaled() -> None:
    shards, volumes = (Capabilities("tiny", ("a",), {}, shards=each) for each in (True, False))
    assert "with the instance its users' state would go" in SetDesiredCapacity.why_unavailable(
        shards
    )
    assert SetDesiredCapacity.why_unavailable(volumes) == ""


def test_scaling_in_is_proved_by_who_leaves_and_out_by_who_comes(target: FakeTarget) -> None:
    fault = scale(target, 2)
    assert fault.phrase == "the group scaled in from 3 to 2 instances"
    fault.inject()
    assert fault.prove() == Proof(True, "desired capacity 3 -> 2; terminated: i-2")
    fault = scale(target, 4)
    assert fault.phrase == "the group scaled out from 2 to 4 instances"
    fault.inject()
    assert fault.prove() == Proof(True, "desired capacity 2 -> 4; launched: i-new-1, i-new-2")


def test_a_group_that_does_not_move_proves_nothing(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_desired_capacity, "_NOTICED_S", 0.0)
    target.group().obeys = False
    fault = scale(target, 2)
    fault.inject()
    assert fault.prove() == Proof(False, "desired capacity 3 -> 2; terminated: none")
    assert not fault.is_over()


def test_an_instance_that_dies_meanwhile_or_is_not_in_service_yet_proves_no_scaling_in(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_desired_capacity, "_NOTICED_S", 0.0)
    target.group().obeys = False
    monkeypatch.setattr(target.group(), "in_service", lambda: target.instances[1:])
    fault = scale(target, 2)
    fault.inject()
    target.instances[2].process.alive = False
    assert fault.prove() == Proof(False, "desired capacity 3 -> 2; terminated: none")


def test_the_present_number_and_impossible_ones_are_refused(target: FakeTarget) -> None:
    with pytest.raises(ControlError, match="keeps 3 instances already"):
        scale(target, 3)
    for capacity in (0, 13):
        with pytest.raises(ControlError, match=f"DesiredCapacity is {capacity}"):
            scale(target, capacity)
