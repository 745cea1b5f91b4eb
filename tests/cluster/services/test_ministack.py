from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from statedrill.cluster.services.aws_client import AwsClient
from statedrill.cluster.services.ministack import MiniStack
from statedrill.errors import ClusterError
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import TIMINGS, context_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def aws(registry: ProcessRegistry) -> Iterator[MiniStack]:
    with context_for(registry, replace(TIMINGS, queue_visibility_s=0.2)) as context:
        made = MiniStack(context)
        made.start()
        yield made
        made.stop()


def client_of(aws: MiniStack) -> AwsClient:
    host, port = aws.endpoint_url.removeprefix("http://").split(":")
    return AwsClient(host, int(port), "us-east-1")


def publish(aws: MiniStack, message: str, kind: str) -> None:
    attribute = {
        "MessageAttributes.entry.1.Name": "kind",
        "MessageAttributes.entry.1.Value.DataType": "String",
        "MessageAttributes.entry.1.Value.StringValue": kind,
    }
    with client_of(aws) as client:
        topic = aws.environment()["TOPIC_ARN"]
        client.sns("Publish", {"TopicArn": topic, "Message": message, **attribute})


def receive(aws: MiniStack, queue: str) -> list[dict[str, Any]]:
    asked = {"QueueUrl": aws.environment()[queue], "MaxNumberOfMessages": 10}
    with client_of(aws) as client:
        messages: list[dict[str, Any]] = client.sqs("ReceiveMessage", asked).get("Messages", [])
    return messages


def test_the_topic_fans_out_by_kind_and_delivers_raw(aws: MiniStack) -> None:
    publish(aws, json.dumps({"n": 1}), "orders")
    publish(aws, json.dumps({"n": 2}), "state")
    assert [json.loads(m["Body"]) for m in receive(aws, "ORDERS_QUEUE_URL")] == [{"n": 1}]
    assert [json.loads(m["Body"]) for m in receive(aws, "QUEUE_URL")] == [{"n": 2}]


def test_the_depth_counts_what_waits_and_what_is_in_flight(aws: MiniStack) -> None:
    assert aws.queue_depth() == 0
    for kind in ("orders", "state", "state"):
        publish(aws, "{}", kind)
    assert aws.queue_depth() == 3
    received = receive(aws, "QUEUE_URL")
    assert len(received) == 2
    assert aws.queue_depth() == 3
    with client_of(aws) as client:
        for message in received:
            asked = {
                "QueueUrl": aws.environment()["QUEUE_URL"],
                "ReceiptHandle": message["ReceiptHandle"],
            }
            client.sqs("DeleteMessage", asked)
    assert aws.queue_depth() == 1


def test_a_message_that_is_not_deleted_comes_again_after_a_whole_second(aws: MiniStack) -> None:
    asked = {"QueueUrl": aws.environment()["QUEUE_URL"], "AttributeNames": ["VisibilityTimeout"]}
    with client_of(aws) as client:
        found = client.sqs("GetQueueAttributes", asked)["Attributes"]
    assert found["VisibilityTimeout"] == "1"
    publish(aws, "again", "state")
    assert [m["Body"] for m in receive(aws, "QUEUE_URL")] == ["again"]
    assert receive(aws, "QUEUE_URL") == []
    assert wait_until(lambda: [m["Body"] for m in receive(aws, "QUEUE_URL")]) == ["again"]


def test_the_bucket_keeps_objects(aws: MiniStack) -> None:
    path = f"/{aws.environment()['BUCKET']}/some/key"
    with client_of(aws) as client:
        client.s3("PUT", path, b"content")
        assert client.s3("GET", path) == b"content"
        with pytest.raises(ClusterError, match="404"):
            client.s3("GET", f"{path}-that-is-not")


def test_an_application_with_an_sdk_reaches_everything(aws: MiniStack) -> None:
    import boto3

    env = aws.environment()
    sdk = {
        name: boto3.client(
            name,
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name=env["AWS_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )
        for name in ("sns", "sqs", "s3")
    }
    kind = {"kind": {"DataType": "String", "StringValue": "orders"}}
    sdk["sns"].publish(TopicArn=env["TOPIC_ARN"], Message="hello", MessageAttributes=kind)
    received = sdk["sqs"].receive_message(QueueUrl=env["ORDERS_QUEUE_URL"])["Messages"]
    assert [message["Body"] for message in received] == ["hello"]
    sdk["s3"].put_object(Bucket=env["BUCKET"], Key="k", Body=b"x", Metadata={"wid": "w"})
    assert sdk["s3"].get_object(Bucket=env["BUCKET"], Key="k")["Metadata"] == {"wid": "w"}
    for client in sdk.values():
        client.close()


def test_only_what_a_pattern_has_is_made_and_told(registry: ProcessRegistry) -> None:
    with context_for(registry) as context:
        aws = MiniStack(context, queue=False)
        aws.start()
        assert set(aws.environment()) & {"TOPIC_ARN", "QUEUE_URL", "ORDERS_QUEUE_URL"} == set()
        assert "BUCKET" in aws.environment()
        assert aws.queue_depth() == 0
        aws.stop()


def test_it_listens_on_its_own_address_only(aws: MiniStack, registry: ProcessRegistry) -> None:
    import psutil

    (process,) = registry.alive("region")
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [aws.endpoint_url.removeprefix("http://").split(":")[0]]


def test_services_that_are_gone_say_so_and_are_healed(
    aws: MiniStack, registry: ProcessRegistry
) -> None:
    registry.alive("region")[0].kill()
    wait_until(lambda: not aws.is_healthy())
    with pytest.raises(ClusterError, match="sqs does not answer"):
        aws.queue_depth()
    aws.restore()
    assert aws.is_healthy()
    assert aws.queue_depth() == 0
