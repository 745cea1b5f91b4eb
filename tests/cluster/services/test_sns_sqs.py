from __future__ import annotations

import json
from typing import Any

import pytest

from statedrill.cluster.services.sns_sqs import TopicWithQueues
from statedrill.cluster.services.sqs_queue import SqsQueue
from statedrill.errors import ClusterError
from statedrill.faults.send_message import Arguments as PoisonArguments
from statedrill.faults.send_message import SendPoisonMessage
from statedrill.faults.set_queue_attributes import Arguments as StormArguments
from statedrill.faults.set_queue_attributes import SetQueueAttributes
from statedrill.processes.registry import ProcessRegistry
from tests.faults.fake_target import FakeTarget
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


def publish(topic: TopicWithQueues, message: str, kind: str) -> None:
    topic._ministack.call(
        "sns",
        "publish",
        TopicArn=topic.environment("a")["TOPIC_ARN"],
        Message=message,
        MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
    )


def receive(topic: TopicWithQueues, variable: str) -> list[dict[str, Any]]:
    url = topic.environment("a")[variable]
    answer = topic._ministack.call("sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=10)
    return list(answer.get("Messages", []))


def delete(topic: TopicWithQueues, variable: str, message: dict[str, Any]) -> None:
    url = topic.environment("a")[variable]
    handle = message["ReceiptHandle"]
    topic._ministack.call("sqs", "delete_message", QueueUrl=url, ReceiptHandle=handle)


def bodies(topic: TopicWithQueues, variable: str) -> list[str]:
    return [message["Body"] for message in receive(topic, variable)]


def test_the_topic_fans_out_by_the_filters_of_the_queues_and_delivers_raw(
    topic: TopicWithQueues,
) -> None:
    publish(topic, json.dumps({"n": 1}), "orders")
    publish(topic, json.dumps({"n": 2}), "state")
    assert bodies(topic, "ORDERS_QUEUE_URL") == ['{"n": 1}']
    assert bodies(topic, "QUEUE_URL") == ['{"n": 2}']
    assert sorted(bodies(topic, "ALL_QUEUE_URL")) == ['{"n": 1}', '{"n": 2}']


def test_the_backlog_counts_what_waits_and_what_is_in_flight(topic: TopicWithQueues) -> None:
    assert topic.backlog() == 0
    for kind in ("orders", "state", "state"):
        publish(topic, "{}", kind)
    received = receive(topic, "QUEUE_URL")
    assert len(received) == 2
    assert topic.backlog() == 3 + 3
    assert sorted(topic.sample()["depths"].values()) == [1, 2, 3]
    for message in received:
        delete(topic, "QUEUE_URL", message)
    assert topic.backlog() == 1 + 3


def test_a_message_that_is_not_deleted_comes_again_after_a_whole_second(
    topic: TopicWithQueues,
) -> None:
    found = topic._ministack.call(
        "sqs",
        "get_queue_attributes",
        QueueUrl=topic.environment("a")["QUEUE_URL"],
        AttributeNames=["VisibilityTimeout"],
    )
    assert found["Attributes"]["VisibilityTimeout"] == "1"
    assert topic.environment("a")["VISIBILITY_TIMEOUT_S"] == "1"
    publish(topic, "again", "state")
    assert bodies(topic, "QUEUE_URL") == ["again"]
    assert bodies(topic, "QUEUE_URL") == []
    assert wait_until(lambda: bodies(topic, "QUEUE_URL")) == ["again"]


def test_queues_that_are_gone_say_so_and_are_restored(
    topic: TopicWithQueues, registry: ProcessRegistry
) -> None:
    publish(topic, "lost", "state")
    registry.alive("region")[0].kill()
    wait_until(lambda: not topic.is_healthy())
    assert topic.missing() == ["queue"]
    with pytest.raises(ClusterError, match="sqs does not answer"):
        topic.backlog()
    topic.restore()
    assert topic.is_healthy()
    assert topic.backlog() == 0
    publish(topic, "kept", "state")
    assert bodies(topic, "QUEUE_URL") == ["kept"]


def receive_until_dead(topic: TopicWithQueues, queue: SqsQueue, letters: int) -> None:
    def received() -> bool:
        receive(topic, "QUEUE_URL")
        return queue.dead_letters() == letters

    wait_until(received)


def test_what_is_received_too_often_becomes_a_dead_letter_and_stays_work_that_is_not_done(
    topic: TopicWithQueues,
) -> None:
    state = topic.queues()["state"]
    wanted, other = state.send_marked("wanted"), state.send_marked("other")
    assert not state.has_dead_letter(wanted)
    receive_until_dead(topic, state, 2)
    assert (topic.backlog(), state.depth()) == (2, 0)
    assert topic.sample()["dead_letters"] == {"state": 2}
    assert state.has_dead_letter(wanted)
    assert state.delete_dead_letter(wanted)
    assert not state.delete_dead_letter(wanted)
    assert not state.has_dead_letter(wanted)
    assert state.has_dead_letter(other)


def test_every_dead_letter_moves_back_with_its_attributes_and_a_new_count(
    topic: TopicWithQueues,
) -> None:
    state = topic.queues()["state"]
    for n in range(12):
        publish(topic, str(n), "state")
    receive_until_dead(topic, state, 12)
    assert state.redrive() == 12
    assert (state.depth(), state.dead_letters()) == (12, 0)
    answer = topic._ministack.call(
        "sqs",
        "receive_message",
        QueueUrl=topic.environment("a")["QUEUE_URL"],
        AttributeNames=["ApproximateReceiveCount"],
        MessageAttributeNames=["All"],
    )
    (message,) = answer["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["MessageAttributes"]["kind"]["StringValue"] == "state"


def test_a_message_with_a_mark_is_no_letter_to_move_and_keeps_its_mark_when_it_is_moved(
    topic: TopicWithQueues,
) -> None:
    state = topic.queues()["state"]
    publish(topic, "good", "state")
    poison = state.send_marked("poison")
    receive_until_dead(topic, state, 2)
    assert state.redrive() == 1
    assert (state.depth(), state.dead_letters()) == (1, 1)
    assert state.has_dead_letter(poison)


def test_a_queue_without_a_dead_letter_queue_has_no_dead_letters(topic: TopicWithQueues) -> None:
    orders = topic.queues()["orders"]
    assert orders.send_marked("again and again")
    assert (orders.dead_letters(), orders.redrive(), orders.has_dead_letter("x")) == (0, 0, False)


def test_faults_of_queues_leave_the_whole_service_as_it_was(topic: TopicWithQueues) -> None:
    """Storm and poison, with the queues' own consumer played by the test."""
    target = FakeTarget()
    target.services["queue"] = topic

    def state() -> list[tuple[int, int, int]]:
        return [
            (each.visibility_timeout(), each.depth(), each.dead_letters())
            for each in topic.queues().values()
        ]

    before = state()
    storm = SetQueueAttributes(target, StormArguments())
    storm.inject()
    assert storm.prove().proved
    assert not storm.is_over()
    publish(topic, "again", "state")
    assert bodies(topic, "QUEUE_URL") == bodies(topic, "QUEUE_URL") == ["again"]
    assert bodies(topic, "QUEUE_URL") == []  # a dead letter now
    storm.undo()
    storm.undo()
    assert storm.is_over()
    (message,) = receive(topic, "QUEUE_URL")
    delete(topic, "QUEUE_URL", message)
    for each in receive(topic, "ALL_QUEUE_URL"):
        delete(topic, "ALL_QUEUE_URL", each)
    assert state() == before

    poison = SendPoisonMessage(target, PoisonArguments())
    poison.inject()
    receive_until_dead(topic, topic.queues()["state"], 1)
    assert poison.prove().proved
    poison.undo()
    assert poison.is_over()
    assert state() == before
