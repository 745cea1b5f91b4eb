from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults import instance_refresh
from statedrill.faults.instance_refresh import Arguments, InstanceRefresh
from tests.faults.fake_target import FakeTarget


def refresh(target: FakeTarget) -> InstanceRefresh:
    return InstanceRefresh(target, Arguments())


def test_every_instance_is_new_afterwards_and_the_zones_are_as_before(target: FakeTarget) -> None:
    fault = refresh(target)
    before = [each.zone for each in target.in_service()]
    assert fault.targets == ["i-0", "i-1", "i-2"]
    fault.inject()
    proof = fault.prove()
    assert proof.proved
    assert "to be replaced: i-0, i-1, i-2; the first new one: i-new-1" in proof.sentence
    assert fault.is_over()
    assert [each.zone for each in target.in_service()] == before
    assert not {each.id for each in target.in_service()} & set(fault.targets)


def test_undone_it_replaces_no_more_and_the_group_is_whole(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_refresh, "_NOTICED_S", 0.0)
    fault, before = refresh(target), target.state()
    fault.undo()
    fault.undo()
    fault.inject()
    assert not fault.prove().proved
    assert fault.is_over()
    assert target.state() == before


def test_without_any_instance_it_is_refused(target: FakeTarget) -> None:
    target.kill_instances(["i-0", "i-1", "i-2"])
    with pytest.raises(ControlError, match="no instance is in service"):
        refresh(target)
