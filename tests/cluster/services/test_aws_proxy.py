"""A proxy before MiniStack, seen by an SDK: some calls end in AWS's errors, all others pass."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from statedrill.cluster.services import aws_proxy
from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.ministack import MiniStackService
from statedrill.cluster.services.s3 import Bucket
from statedrill.cluster.services.sns_sqs import TopicWithQueues
from statedrill.errors import ClusterError
from statedrill.faults.api_errors import ApiErrors, Arguments
from statedrill.faults.queue_errors import LoseQueueAnswers, ThrottleQueue
from statedrill.faults.storage_errors import LoseStorageEndpoint, ThrottleStorage
from statedrill.inputs.services import StorageOptions
from statedrill.processes.registry import ProcessRegistry
from statedrill.vocabulary import Equipment
from tests.cluster.support import services_of
from tests.faults.fake_target import FakeTarget
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def aws_services(registry: ProcessRegistry) -> Iterator[ServiceContext]:
    with services_of(registry) as context:
        cluster = replace(context.cluster, equipment=(Equipment.AWS_PROXY,))
        yield replace(context, cluster=cluster)


class Application:
    """What an instance does with its SDK: one attempt, half a second of patience."""

    def __init__(self, service: MiniStackService) -> None:
        self._env = service.environment("a")
        self._clients: list[Any] = []

    def client(self, service: str) -> Any:
        made = boto3.client(
            service,
            endpoint_url=self._env["AWS_ENDPOINT_URL"],
            region_name=self._env["AWS_REGION"],
            aws_access_key_id=self._env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._env["AWS_SECRET_ACCESS_KEY"],
            config=Config(read_timeout=0.5, retries={"total_max_attempts": 1}),
        )
        self._clients.append(made)
        return made

    def publish(self) -> None:
        self.client("sns").publish(TopicArn=self._env["TOPIC_ARN"], Message="m")

    def receive(self) -> list[str]:
        answer = self.client("sqs").receive_message(QueueUrl=self._env["ALL_QUEUE_URL"])
        return [message["Body"] for message in answer.get("Messages", [])]

    def put(self) -> None:
        self.client("s3").put_object(Bucket=self._env["BUCKET"], Key="k", Body=b"x")

    def close(self) -> None:
        for client in self._clients:
            client.close()


def error_of(call: Any) -> tuple[int, str]:
    """Status and code of the error in which a call ends; 0 and its class without an answer."""
    with pytest.raises((ClientError, BotoCoreError)) as caught:
        call()
    if isinstance(caught.value, ClientError):
        response: Any = caught.value.response
        return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]
    return 0, type(caught.value).__name__


@contextlib.contextmanager
def injected(service: MiniStackService, kind: type[ApiErrors]) -> Iterator[None]:
    """The fault at all calls, proved, and undone in the end: the proxy is as it was before."""
    target = FakeTarget()
    target.services[service.key] = service
    fault = kind(target, Arguments(100))
    fault.inject()
    proof = fault.prove()
    assert proof.proved, proof.sentence
    assert not fault.is_over()
    yield
    fault.undo()
    fault.undo()
    assert fault.is_over()
    assert service.api_errors() == {}


def test_calls_pass_and_end_in_the_errors_of_aws_only_while_a_fault_is_open(
    topic: TopicWithQueues, bucket: Bucket
) -> None:
    queues, storage = Application(topic), Application(bucket)
    queues.publish()
    assert queues.receive() == ["m"]
    storage.put()
    with injected(topic, ThrottleQueue):
        assert error_of(queues.publish) == (400, "Throttling")
        assert error_of(queues.receive) == (400, "RequestThrottled")
        storage.put()
        assert topic.backlog() == 1  # the cluster's own calls pass
    with injected(bucket, ThrottleStorage):
        assert error_of(storage.put) == (503, "SlowDown")
        queues.publish()
    with injected(bucket, LoseStorageEndpoint):
        assert error_of(storage.put) == (0, "ReadTimeoutError")
    storage.put()
    assert queues.receive() == ["m"]
    queues.close()
    storage.close()


def test_what_was_answered_with_an_internal_error_was_done_all_the_same(
    topic: TopicWithQueues,
) -> None:
    queues = Application(topic)
    with injected(topic, LoseQueueAnswers):
        assert error_of(queues.publish) == (500, "InternalError")
        assert error_of(queues.receive) == (500, "InternalError")
    assert topic.backlog() == 1
    assert queues.receive() == []  # in flight to nobody
    queues.close()


def test_a_proxy_that_died_is_missing_and_is_restored_without_doubling_a_subscription(
    topic: TopicWithQueues, registry: ProcessRegistry
) -> None:
    topic.set_api_error("throttled", 100)
    (proxy,) = [each for each in registry.alive("region") if each.name == "aws-proxy"]
    proxy.kill()
    wait_until(lambda: topic.missing() == ["queue"])
    topic.restore()
    assert topic.is_healthy()
    assert topic.api_errors() == {}
    queues = Application(topic)
    queues.publish()
    assert topic.backlog() == 1
    queues.close()


def test_a_proxy_that_is_dead_and_a_service_that_hangs_are_no_proof_of_silence(
    bucket: Bucket, registry: ProcessRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_PROBE_TIMEOUT_S", "_TARGET_TIMEOUT_S"):
        monkeypatch.setattr(aws_proxy, limit, 0.2)
    parts = {each.name: each for each in registry.alive("region")}
    parts["aws"].pause()
    with pytest.raises(ClusterError, match="s3 does not answer: TimeoutError"):
        bucket.probe_apis()
    parts["aws"].resume()
    parts["aws-proxy"].kill()
    parts["aws-proxy"].wait_gone()
    with pytest.raises(ClusterError, match="s3 does not answer: ConnectionRefusedError"):
        bucket.probe_apis()


def test_without_the_equipment_there_is_no_proxy(registry: ProcessRegistry) -> None:
    with services_of(registry) as context:
        bucket = Bucket(context, StorageOptions(bucket="shop-uploads"))
        with pytest.raises(ClusterError, match="there is no proxy before S3, SNS and SQS"):
            bucket.set_api_error("throttled", 100)
