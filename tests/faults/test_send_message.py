from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults import send_message
from statedrill.faults.send_message import Arguments, SendPoisonMessage
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def poison(target: FakeTarget, queue: str = "") -> SendPoisonMessage:
    return SendPoisonMessage(target, Arguments("poison", queue))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, poison(target))


def test_it_goes_to_the_first_queue_with_a_dead_letter_queue_and_is_proved_there(
    target: FakeTarget,
) -> None:
    fault = poison(target)
    assert fault.targets == ("state",)
    fault.inject()
    proof = fault.prove()
    assert proof.proved
    assert proof.sentence.startswith("message mark of poison was in the dead-letter queue of state")
    assert not fault.is_over()


def test_only_the_poison_is_deleted_from_the_dead_letters(target: FakeTarget) -> None:
    fault, state = poison(target), target.queues.made["state"]
    state.letters += ["another"]
    fault.inject()
    fault.undo()
    assert state.letters == ["another"]
    assert fault.is_over()


def test_one_that_is_undone_before_it_is_a_dead_letter_is_deleted_as_soon_as_it_is(
    target: FakeTarget,
) -> None:
    fault, state = poison(target), target.queues.made["state"]
    state.consumer_waits = True
    fault.inject()
    fault.undo()
    assert not fault.is_over()
    state.consume()
    assert fault.is_over()
    assert (state.on_the_way, state.letters) == ([], [])
    state.consumer_waits = False
    state.on_the_way = ["another"]
    assert fault.is_over()


def test_it_is_over_when_nothing_of_it_is_to_be_found(target: FakeTarget) -> None:
    fault, state = poison(target), target.queues.made["state"]
    fault.inject()
    state.letters.clear()  # the queues went, and came back empty
    fault.undo()
    assert fault.is_over()


def test_a_consumer_that_drops_it_leaves_nothing_to_prove(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_message, "_LONGEST_S", 0.05)
    target.queues.made["state"].consumer_drops_what_it_cannot_apply = True
    fault = poison(target)
    fault.inject()
    proof = fault.prove()
    assert not proof.proved
    assert "is not in the dead-letter queue of state" in proof.sentence


def test_a_queue_without_a_dead_letter_queue_is_refused_with_the_cure(target: FakeTarget) -> None:
    with pytest.raises(ControlError, match="no queue 'audit' with a dead-letter queue") as refused:
        poison(target, "audit")
    assert refused.value.hint == "there are: state"


def test_without_any_dead_letter_queue_it_is_refused_beforehand(target: FakeTarget) -> None:
    assert SendPoisonMessage.why_unavailable(target.capabilities) == ""
    del target.queues.made["state"]
    why = "it would come for ever: no queue of pattern tiny has a `max_receive_count`"
    assert SendPoisonMessage.why_unavailable(target.capabilities) == why
