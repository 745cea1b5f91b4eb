from __future__ import annotations

from dataclasses import replace

import pytest

from statedrill.errors import ControlError
from statedrill.faults import detach_volume
from statedrill.faults.base import Capabilities, Proof
from statedrill.faults.chosen_instances import Choice
from statedrill.faults.detach_volume import DetachVolume
from statedrill.faults.stop_zone import StopShardZone
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def detach(target: FakeTarget, *ids: str, count: int = 1) -> DetachVolume:
    return DetachVolume(target, Choice(ids, "", count))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, detach(target, count=2))


def test_an_instance_that_cannot_write_is_the_proof(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detach_volume, "_DETACHED_S", 0.0)
    fault = detach(target, "i-1")
    assert (fault.targets, fault.phrase) == (["i-1"], "a volume was taken away")
    fault.inject()
    assert fault.prove() == Proof(True, "vol-1 is gone: i-1 (pid 11) cannot write")
    assert target.instances[0].volume
    target.instances[0].volume.obeys = False
    fault = detach(target, "i-0", "i-2")
    fault.inject()
    sentence = "vol-0 is still there: i-0 (pid 10) writes on; vol-2 is gone: i-2 (pid 12) cannot"
    proof = fault.prove()
    assert not proof.proved
    assert proof.sentence.startswith(sentence)


def test_it_is_over_when_the_instance_was_replaced(target: FakeTarget) -> None:
    fault = detach(target)
    fault.inject()
    assert not fault.is_over()
    target.instances[0].process.alive = False
    assert not fault.is_over()
    target.restore()
    assert target.instances[0].volume
    target.instances[0].volume.taken = False  # its owner is another process now
    assert fault.is_over()


def test_who_has_no_volume_or_lost_it_already_is_refused() -> None:
    target = FakeTarget(has_workers=True)
    with pytest.raises(ControlError, match="no volume: i-w0"):
        detach(target, "i-w0", "i-1")
    detach(target, "i-1").inject()
    with pytest.raises(ControlError, match="taken away already: vol-1"):
        detach(target, "i-1")


def test_only_instances_with_volumes_can_lose_them(target: FakeTarget) -> None:
    tiny = Capabilities("tiny", ("a",), {})
    assert "have no volumes" in DetachVolume.why_unavailable(tiny)
    assert "has no shards" in StopShardZone.why_unavailable(tiny)
    assert DetachVolume.why_unavailable(target.capabilities) == ""
    assert StopShardZone.why_unavailable(replace(target.capabilities, shards=True)) == ""
