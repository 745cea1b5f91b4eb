from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults.base import Proof
from statedrill.faults.set_queue_attributes import Arguments, SetQueueAttributes
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def storm(target: FakeTarget, seconds: int = 0) -> SetQueueAttributes:
    return SetQueueAttributes(target, Arguments(seconds))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, storm(target))


def test_it_hits_every_queue_and_each_says_so_itself(target: FakeTarget) -> None:
    fault = storm(target)
    assert fault.targets == ["audit", "state"]
    fault.inject()
    assert fault.prove() == Proof(True, "VisibilityTimeout is audit: 0 s, state: 0 s")
    target.queues.made["state"].set_visibility_timeout(30)
    assert fault.prove() == Proof(False, "VisibilityTimeout is audit: 0 s, state: 30 s")


def test_undoing_moves_back_what_became_a_dead_letter_meanwhile(target: FakeTarget) -> None:
    fault, state = storm(target), target.queues.made["state"]
    fault.inject()
    state.letters += ["received too often"]
    state.set_visibility_timeout(30)
    target.queues.made["audit"].set_visibility_timeout(30)
    assert not fault.is_over()
    fault.undo()
    assert fault.is_over()
    assert state.moved == 1


def test_queues_that_are_gone_need_no_undoing_and_it_is_over_when_they_are_back(
    target: FakeTarget,
) -> None:
    fault = storm(target)
    fault.inject()
    target.queues.is_there = False
    fault.undo()
    assert not fault.is_over()
    target.queues.is_there = True
    for queue in target.queues.made.values():
        queue.set_visibility_timeout(queue.visibility_s)  # as it is made anew
    assert fault.is_over()


def test_a_visibility_timeout_that_sqs_does_not_know_is_refused(target: FakeTarget) -> None:
    for seconds in (-1, 43_201):
        with pytest.raises(ControlError, match=f"VisibilityTimeout is {seconds}"):
            storm(target, seconds)
