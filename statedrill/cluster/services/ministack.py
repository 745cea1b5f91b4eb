"""S3, SNS and SQS of the region: one MiniStack with the application's bucket, topic and queues.

It is regional: no zone takes it down, and its contents live as long as its process. Knows the
resources and their subscriptions; knows no message.
"""

from __future__ import annotations

import json
import math
import shutil

from statedrill.cluster.binaries import ministack_command
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import accepts, require_free
from statedrill.cluster.services.aws_client import AwsClient
from statedrill.errors import ClusterError

_PORT, _HOST_NUMBER = 4566, 70
_ACCOUNT, _REGION = "000000000000", "us-east-1"
_BUCKET, _TOPIC, _STATE, _ORDERS = "shop-uploads", "shop-writes", "state", "orders"

_DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class MiniStack:
    """A bucket when `storage`, a topic that fans out to two queues when `queue`."""

    def __init__(
        self, context: ClusterContext, *, storage: bool = True, queue: bool = True
    ) -> None:
        self._context, self._storage, self._queue = context, storage, queue
        self._host = context.network.regional_address(_HOST_NUMBER)
        self._port = context.network.port(_PORT)
        self._folder = context.registry.folder / "aws"
        self._process = context.registry.process(
            "aws",
            "aws",
            "region",
            ministack_command(),
            env=self._settings(),
            ready=lambda: accepts(self._host, self._port),
        )

    @property
    def endpoint_url(self) -> str:
        """Where every one of the services is spoken to."""
        return f"http://{self._host}:{self._port}"

    def environment(self) -> dict[str, str]:
        """What the application needs to know; the same before and after `start`."""
        known = {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": _REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        if self._storage:
            known["BUCKET"] = _BUCKET
        if self._queue:
            known["TOPIC_ARN"] = _arn("sns", _TOPIC)
            known["QUEUE_URL"] = self._queue_url(_STATE)
            known["ORDERS_QUEUE_URL"] = self._queue_url(_ORDERS)
        return known

    def start(self, timeout_s: float = 15.0) -> None:
        """Start MiniStack and make bucket, topic, queues and subscriptions.

        Raises:
            ClusterError: it did not start, or refused to make one of them.
        """
        require_free(self._host, self._port)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process.start(timeout_s)
        with self._client() as client:
            if self._storage:
                client.s3("PUT", f"/{_BUCKET}")
            if self._queue:
                self._make_queues(client)

    def queue_depth(self) -> int:
        """Messages in all queues: visible, in flight and delayed; 0 without queues.

        Raises:
            ClusterError: the queues do not answer.
        """
        if not self._queue:
            return 0
        depth = 0
        with self._client() as client:
            for name in (_STATE, _ORDERS):
                asked = {"QueueUrl": self._queue_url(name), "AttributeNames": list(_DEPTHS)}
                found = client.sqs("GetQueueAttributes", asked)["Attributes"]
                depth += sum(int(found[each]) for each in _DEPTHS)
        return depth

    def is_healthy(self) -> bool:
        """Whether the services are there."""
        return self._process.alive

    def restore(self) -> None:
        """Start them again when they are gone; empty, because their contents are gone too.

        Raises:
            ClusterError: as `start`.
        """
        if not self.is_healthy():
            self.start()

    def stop(self) -> None:
        """End them at once and throw everything away; idempotent."""
        self._process.kill()
        self._process.wait_gone()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_queues(self, client: AwsClient) -> None:
        client.sns("CreateTopic", {"Name": _TOPIC})
        # SQS takes whole seconds; a worker needs at least one to apply what it received.
        visibility_s = max(1, math.ceil(self._context.timings.queue_visibility_s))
        for name in (_STATE, _ORDERS):
            attributes = {"VisibilityTimeout": str(visibility_s)}
            made = client.sqs("CreateQueue", {"QueueName": name, "Attributes": attributes})
            if made["QueueUrl"] != self._queue_url(name):
                raise ClusterError(f"queue {name} got the address {made['QueueUrl']}")
            subscription = {
                "TopicArn": _arn("sns", _TOPIC),
                "Protocol": "sqs",
                "Endpoint": _arn("sqs", name),
                "Attributes.entry.1.key": "RawMessageDelivery",
                "Attributes.entry.1.value": "true",
                "Attributes.entry.2.key": "FilterPolicy",
                "Attributes.entry.2.value": json.dumps({"kind": [name]}),
            }
            client.sns("Subscribe", subscription)

    def _client(self) -> AwsClient:
        return AwsClient(self._host, self._port, _REGION)

    def _queue_url(self, name: str) -> str:
        return f"{self.endpoint_url}/{_ACCOUNT}/{name}"

    def _settings(self) -> dict[str, str]:
        """MiniStack's environment; without these it would listen on every interface."""
        return {
            "SERVICES": "s3,sns,sqs",
            "BIND_HOST": self._host,
            "GATEWAY_PORT": str(self._port),
            "MINISTACK_HOST": self._host,
            "MINISTACK_ACCOUNT_ID": _ACCOUNT,
            "MINISTACK_REGION": _REGION,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            # It ends containers that it believes to be its own: let it find none.
            "DOCKER_HOST": "unix:///nonexistent",
            "S3_PERSIST": "0",
            "PERSIST_STATE": "0",
            "LOCALSTACK_PERSISTENCE": "0",
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(self._folder),
        }


def _arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{_REGION}:{_ACCOUNT}:{name}"
