from __future__ import annotations

import pytest

from statedrill.errors import ClusterError, ControlError
from statedrill.faults import receive_message
from statedrill.faults.base import Capabilities, Proof
from statedrill.faults.receive_message import Arguments, ReceiveMessage
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


class Standard:
    """Queues that are not FIFO."""


def kept(target: FakeTarget, queue: str = "") -> ReceiveMessage:
    return ReceiveMessage(target, Arguments(queue))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, kept(target))


def test_a_message_of_the_first_queue_is_kept_until_the_fault_is_undone(
    target: FakeTarget,
) -> None:
    fault, audit = kept(target), target.queues.made["audit"]
    assert fault.targets == ("audit",)
    fault.inject()
    told = "message first of group group is in flight, and 1 wait behind it in audit"
    assert fault.prove() == Proof(True, told)
    assert not fault.is_over()
    fault.undo()
    assert fault.is_over()
    assert audit.arriving == ["first", "second"]


def test_where_nothing_waits_behind_it_nothing_is_proved(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive_message, "_PROOF_S", 0.05)
    fault = kept(target, "state")
    target.queues.made["state"].arriving = ["alone"]
    fault.inject()
    told = "message alone of group group is in flight, and nothing waits behind it in state"
    assert fault.prove() == Proof(False, told)


def test_a_message_that_somebody_deleted_all_the_same_proves_nothing(target: FakeTarget) -> None:
    fault = kept(target)
    fault.inject()
    target.queues.made["audit"].kept = ""
    assert not fault.prove().proved


def test_where_nobody_sends_anything_there_is_nothing_to_keep(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive_message, "_RECEIVE_S", 0.05)
    fault = kept(target)
    target.queues.made["audit"].arriving = []
    with pytest.raises(ClusterError, match="no message of audit could be received"):
        fault.inject()
    fault.undo()
    assert fault.is_over()


def test_queues_that_are_gone_need_no_undoing_and_it_is_over_when_they_are_back(
    target: FakeTarget,
) -> None:
    fault = kept(target)
    fault.inject()
    target.queues.is_there = False
    fault.undo()
    assert not fault.is_over()
    target.queues.is_there = True
    assert fault.is_over()


def test_queues_without_message_groups_are_refused_beforehand(target: FakeTarget) -> None:
    standard = Capabilities("plain", ("a",), {"queue": Standard})
    why = "the queue of pattern plain cannot be blocked by message group: it is not FIFO"
    assert ReceiveMessage.why_unavailable(standard) == why
    with pytest.raises(ControlError, match="there is no FIFO queue 'other'") as refused:
        kept(target, "other")
    assert refused.value.hint == "there are: audit, state"
