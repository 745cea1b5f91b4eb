from __future__ import annotations

import pytest

from statedrill.faults import freeze_instances
from statedrill.faults.base import Proof
from statedrill.faults.chosen_instances import Choice
from statedrill.faults.freeze_instances import FreezeInstances
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def freeze(target: FakeTarget, *ids: str, count: int = 1) -> FreezeInstances:
    return FreezeInstances(target, Choice(ids, "", count))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, freeze(target, count=2))


def test_an_instance_that_stands_still_is_the_proof(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze_instances, "_FROZEN_S", 0.0)
    fault = freeze(target, "i-1")
    assert (fault.targets, fault.phrase) == (["i-1"], "one instance hung")
    fault.inject()
    assert fault.prove() == Proof(True, "i-1 (pid 11) stands still")
    target.instances[2].process.obeys = False
    fault = freeze(target, "i-0", "i-2")
    fault.inject()
    sentence = "i-0 (pid 10) stands still; i-2 (pid 12) still runs"
    assert fault.prove() == Proof(False, sentence)


def test_it_is_over_when_the_instance_was_replaced_or_thawed(target: FakeTarget) -> None:
    fault = freeze(target)
    fault.inject()
    assert not fault.is_over()
    target.instances[0].process.alive = False
    assert not fault.is_over()
    target.restore()
    target.instances[0].process.is_frozen = False
    assert fault.is_over()
