from __future__ import annotations

import psutil
import pytest

from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.s3 import Bucket
from statedrill.cluster.services.sns_sqs import TopicWithQueues
from statedrill.errors import ClusterError
from statedrill.inputs.services import StorageOptions
from statedrill.processes.registry import ProcessRegistry
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


def test_an_application_with_an_sdk_reaches_the_bucket(bucket: Bucket) -> None:
    import boto3

    env = bucket.environment("a")
    client = boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    client.put_object(Bucket=env["BUCKET"], Key="k", Body=b"x", Metadata={"wid": "w"})
    assert client.get_object(Bucket=env["BUCKET"], Key="k")["Metadata"] == {"wid": "w"}
    client.close()


def test_an_object_that_is_not_there_is_refused(bucket: Bucket) -> None:
    with pytest.raises(ClusterError, match=r"s3 refused get_object: .*NoSuchKey"):
        bucket._ministack.call("s3", "get_object", Bucket="shop-uploads", Key="nothing")


def test_a_bucket_alone_is_told_of_no_queue(bucket: Bucket) -> None:
    assert bucket.environment("a")["BUCKET"] == "shop-uploads"
    assert not {"TOPIC_ARN", "QUEUE_URL"} & bucket.environment("a").keys()
    assert bucket.backlog() == 0


def test_bucket_and_queues_share_one_process_on_its_own_address(
    aws_services: ServiceContext, bucket: Bucket, topic: TopicWithQueues, registry: ProcessRegistry
) -> None:
    (process,) = registry.alive("region")
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [bucket._ministack.host]


def test_each_is_healthy_only_when_its_own_resources_are_back(
    bucket: Bucket, topic: TopicWithQueues, registry: ProcessRegistry
) -> None:
    registry.alive("region")[0].kill()
    wait_until(lambda: not bucket.is_healthy())
    bucket.restore()
    assert bucket.is_healthy()
    assert not topic.is_healthy()
    topic.restore()
    assert topic.is_healthy()
    bucket._ministack.call("s3", "put_object", Bucket="shop-uploads", Key="k", Body=b"x")


def test_objects_that_were_deleted_by_mistake_are_had_back(
    aws_services: ServiceContext, events: Events
) -> None:
    bucket = Bucket(aws_services, StorageOptions(bucket="shop-versions", versioning=True))
    bucket.start()

    def read(key: str) -> bytes:
        found: bytes = bucket._call("get_object", Key=key)["Body"].read()
        return found

    for key, body in (("a", b"old"), ("a", b"new"), ("b", b"other")):
        bucket._call("put_object", Key=key, Body=body)
    assert bucket.delete_objects() == (2, 0)
    assert bucket.markers() == 2
    with pytest.raises(ClusterError, match="NoSuchKey"):
        read("a")
    bucket._call("put_object", Key="b", Body=b"younger")
    bucket.undelete_objects()
    bucket.undelete_objects()
    assert (read("a"), read("b"), bucket.markers()) == (b"new", b"younger", 0)
    [restored] = events.of("restore", service="storage")
    assert restored["position"] == "2 delete markers removed"
