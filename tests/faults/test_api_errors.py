from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults import api_errors
from statedrill.faults.api_errors import ApiErrors, Arguments
from statedrill.faults.queue_errors import LoseQueueAnswers, ThrottleQueue
from statedrill.faults.storage_errors import LoseStorageEndpoint, ThrottleStorage
from statedrill.vocabulary import Equipment
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left

KINDS = (ThrottleQueue, LoseQueueAnswers, ThrottleStorage, LoseStorageEndpoint)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@every_kind
def test_nothing_of_it_is_left_when_it_was_undone(
    target: FakeTarget, kind: type[ApiErrors]
) -> None:
    assert kind.equipment == {Equipment.AWS_PROXY}
    assert_nothing_is_left(target, kind(target, Arguments(50)))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (ThrottleQueue, "sns answered 400 Throttling; sqs answered 400 RequestThrottled"),
        (LoseQueueAnswers, "sns answered 500 InternalError; sqs answered 500 InternalError"),
        (ThrottleStorage, "s3 answered 503 SlowDown"),
        (LoseStorageEndpoint, "s3 did not answer"),
    ],
)
def test_an_answer_of_every_api_is_the_proof_however_long_that_takes(
    target: FakeTarget, kind: type[ApiErrors], sentence: str
) -> None:
    fault = kind(target, Arguments(50))
    fault.inject()
    assert fault.prove() == (True, sentence)


@every_kind
def test_a_service_that_answers_as_ever_proves_nothing(
    target: FakeTarget, kind: type[ApiErrors], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_errors, "_PROOF_S", 0.05)
    proof = kind(target, Arguments(50)).prove()
    assert proof == (False, f"no call was {kind.error}")


def test_a_service_that_is_gone_needs_no_undoing_and_it_is_over_when_it_is_back(
    target: FakeTarget,
) -> None:
    fault = ThrottleStorage(target, Arguments(50))
    fault.inject()
    target.storage.is_there = False
    fault.undo()
    assert not fault.is_over()
    target.storage.is_there, target.storage.errors = True, {}
    assert fault.is_over()


def test_two_errors_of_one_service_are_two_faults_and_the_same_one_twice_is_refused(
    target: FakeTarget,
) -> None:
    throttled = ThrottleStorage(target, Arguments(50))
    throttled.inject()
    with pytest.raises(ControlError, match="calls of the storage are throttled already"):
        ThrottleStorage(target, Arguments(20))
    lost = LoseStorageEndpoint(target, Arguments(100))
    lost.inject()
    throttled.undo()
    assert target.storage.errors == {"s3.silent": 100}
    assert throttled.is_over()
    assert not lost.is_over()


def test_a_share_that_is_none_is_refused(target: FakeTarget) -> None:
    for share in (0, 101):
        with pytest.raises(ControlError, match=f"Percentage is {share}"):
            ThrottleQueue(target, Arguments(share))
