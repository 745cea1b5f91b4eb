from __future__ import annotations

import json
from typing import Any

import pytest

from statedrill.cluster.services.sns_sqs import TopicWithQueues
from statedrill.errors import ClusterError
from statedrill.processes.registry import ProcessRegistry
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
        topic._ministack.call(
            "sqs",
            "delete_message",
            QueueUrl=topic.environment("a")["QUEUE_URL"],
            ReceiptHandle=message["ReceiptHandle"],
        )
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
