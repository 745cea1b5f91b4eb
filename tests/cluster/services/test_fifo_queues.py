"""A FIFO topic with FIFO queues: order inside a group, and what a dead-letter queue does to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.sns_sqs import TopicWithQueues
from statedrill.faults.receive_message import Arguments, ReceiveMessage
from statedrill.faults.send_message import Arguments as PoisonArguments
from statedrill.faults.send_message import SendPoisonMessage
from statedrill.faults.set_queue_attributes import Arguments as StormArguments
from statedrill.faults.set_queue_attributes import SetQueueAttributes
from tests.cluster.services.conftest import QUEUES
from tests.faults.fake_target import FakeTarget
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def topic(aws_services: ServiceContext) -> Iterator[TopicWithQueues]:
    options = QUEUES.model_copy(update={"fifo": True})
    made = TopicWithQueues.variant(options)(aws_services, options)
    assert isinstance(made, TopicWithQueues)
    made.start()
    yield made
    made.stop()


def publish(topic: TopicWithQueues, message: str, number: int = 0, kind: str = "state") -> None:
    """To the group that the message begins with: a1 to a."""
    topic._ministack.call(
        "sns",
        "publish",
        TopicArn=topic.environment("a")["TOPIC_ARN"],
        Message=message,
        MessageGroupId=message[0],
        MessageDeduplicationId=f"{message}-{number}",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
    )


def receive(topic: TopicWithQueues, most: int = 10) -> list[dict[str, Any]]:
    answer = topic._ministack.call(
        "sqs",
        "receive_message",
        QueueUrl=topic.environment("a")["QUEUE_URL"],
        MaxNumberOfMessages=most,
        MessageAttributeNames=["All"],
        AttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def bodies(topic: TopicWithQueues, most: int = 10) -> list[str]:
    return [message["Body"] for message in receive(topic, most)]


def delete(topic: TopicWithQueues, messages: list[dict[str, Any]]) -> None:
    url = topic.environment("a")["QUEUE_URL"]
    for each in messages:
        handle = each["ReceiptHandle"]
        topic._ministack.call("sqs", "delete_message", QueueUrl=url, ReceiptHandle=handle)


def test_only_the_addresses_say_that_they_are_fifo(topic: TopicWithQueues) -> None:
    told = topic.environment("a")
    assert told["TOPIC_ARN"].endswith(":shop-writes.fifo")
    assert told["QUEUE_URL"].endswith("/state.fifo")
    assert list(topic.queues()) == ["state", "orders", "all"]
    assert list(topic.sample()["depths"]) == ["state", "orders", "all"]


def test_a_group_waits_for_its_message_in_flight_and_the_others_go_on(
    topic: TopicWithQueues,
) -> None:
    for message in ("a1", "b1", "a2", "b2"):
        publish(topic, message)
    publish(topic, "a1")  # once more, under the same deduplication id
    publish(topic, "a9", kind="orders")  # for another queue
    first = receive(topic, 1)
    assert [each["Body"] for each in first] == ["a1"]
    assert bodies(topic) == ["b1", "b2"]
    delete(topic, first)
    assert bodies(topic) == ["a2"]
    assert topic.queues()["state"].depth() == 3


def receive_until_dead(topic: TopicWithQueues, letters: int) -> None:
    def received() -> bool:
        receive(topic)
        return topic.queues()["state"].dead_letters() == letters

    wait_until(received)


def test_dead_letters_move_back_into_their_groups_in_order_and_are_not_taken_for_duplicates(
    topic: TopicWithQueues,
) -> None:
    state = topic.queues()["state"]
    sent = [f"a{number}" for number in range(12)] + ["b0"]
    for message in sent:
        publish(topic, message)
    receive_until_dead(topic, len(sent))
    publish(topic, "b1")
    assert state.redrive() == len(sent)
    assert (state.depth(), state.dead_letters()) == (len(sent) + 1, 0)
    seen: list[dict[str, Any]] = []
    while found := receive(topic):
        seen += found
        delete(topic, found)
    # What was moved comes after what was sent meanwhile: here the order of the group is broken.
    assert [each["Body"] for each in seen if each["Body"][0] == "b"] == ["b1", "b0"]
    assert [each["Body"] for each in seen if each["Body"][0] == "a"] == sent[:-1]
    assert {each["Attributes"]["ApproximateReceiveCount"] for each in seen} == {"1"}
    assert {each["MessageAttributes"]["kind"]["StringValue"] for each in seen} == {"state"}


def test_a_message_that_a_consumer_keeps_blocks_its_group_and_only_that_until_it_is_given_back(
    topic: TopicWithQueues,
) -> None:
    target = FakeTarget()
    target.services["queue"] = topic
    for message in ("a1", "a2", "b1"):
        publish(topic, message)
    fault = ReceiveMessage(target, Arguments())
    fault.inject()
    proof = fault.prove()
    assert proof.proved
    assert "of group a is in flight, and 2 wait behind it in state" in proof.sentence
    others = receive(topic)
    assert [each["Body"] for each in others] == ["b1"]
    delete(topic, others)
    assert not fault.is_over()
    fault.undo()
    fault.undo()
    assert fault.is_over()
    assert bodies(topic) == ["a1", "a2"]


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
    publish(topic, "a1", kind="state")
    assert bodies(topic) == bodies(topic) == ["a1"]
    assert bodies(topic) == []  # a dead letter now
    storm.undo()
    assert storm.is_over()
    delete(topic, receive(topic))
    all_url = topic.environment("a")["ALL_QUEUE_URL"]
    topic._ministack.call("sqs", "purge_queue", QueueUrl=all_url)
    assert state() == before

    poison = SendPoisonMessage(target, PoisonArguments())
    poison.inject()
    publish(topic, "a2", kind="state")
    assert sorted(bodies(topic)) == ["a2", "poison"]  # it stands in nobody's way
    receive_until_dead(topic, 2)
    assert poison.prove().proved
    poison.undo()
    assert poison.is_over()
    assert topic.queues()["state"].dead_letters() == 1
