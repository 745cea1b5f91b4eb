from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults import disrupt_replication
from statedrill.faults.base import Capabilities
from statedrill.faults.disrupt_replication import Arguments, DisruptReplication
from tests.faults.fake_target import FakeTarget, Memory, assert_nothing_is_left


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disrupt_replication, "_SILENT_S", 0.01)
    monkeypatch.setattr(disrupt_replication, "_GAP_S", 0.05)


def disrupt(target: FakeTarget) -> DisruptReplication:
    return DisruptReplication(target, Arguments())


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, disrupt(target))


def test_a_replica_that_stays_behind_is_the_proof(target: FakeTarget) -> None:
    fault = disrupt(target)
    fault.inject()
    proof = fault.prove()
    assert proof.proved
    assert proof.sentence.startswith("the replica received nothing for 0.01 s and is 150 bytes ")


def test_a_replica_that_follows_all_the_same_disproves_it(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target.cache, "cut_replication", lambda: None)
    fault = disrupt(target)
    fault.inject()
    assert fault.prove() == (False, "the replica has everything that the primary has")


def test_a_replica_that_is_slow_and_not_cut_off_disproves_it(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = disrupt(target)
    offsets = iter([(1100, 1000), (1100, 1000), (1200, 1100)])
    monkeypatch.setattr(target.cache, "replication_offsets", lambda: next(offsets))
    fault.inject()
    assert fault.prove() == (False, "the replica received 100 bytes in 0.01 s")


def test_it_is_over_when_a_replica_follows_again(target: FakeTarget) -> None:
    fault = disrupt(target)
    fault.inject()
    assert not fault.is_over()
    fault.undo()
    assert fault.is_over()


def test_a_replica_that_does_not_follow_is_not_cut_off_again(target: FakeTarget) -> None:
    disrupt(target).inject()
    with pytest.raises(ControlError, match="does not follow now"):
        disrupt(target)


def test_a_pattern_without_a_replica_is_refused() -> None:
    memory = Capabilities("tiny", ("a",), {"cache": Memory})
    why = DisruptReplication.why_unavailable(memory)
    assert why == "the cache of pattern tiny cannot be kept from replicating"
