"""What a deployment of the application makes in S3, SNS and SQS before it starts."""

from __future__ import annotations

import json

import boto3
from botocore.config import Config

from tests.support.services import MiniStack

KEYS = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
VISIBILITY_S = 2


class Region:
    """Bucket, topic, queues and subscriptions, as settings.py asks for them.

    With `max_receive_count` both queues have one dead-letter queue; `fifo`: all are FIFO.
    """

    def __init__(
        self,
        ministack: MiniStack,
        name: str,
        raw: bool = True,
        max_receive_count: int = 0,
        fifo: bool = False,
    ) -> None:
        ending = ".fifo" if fifo else ""
        kind = {"FifoQueue": "true"} if fifo else {}
        self._arguments = {
            "endpoint_url": ministack.url,
            "region_name": KEYS["AWS_REGION"],
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(s3={"addressing_style": "path"}),
        }
        self.s3 = boto3.client("s3", **self._arguments)
        self.sns = boto3.client("sns", **self._arguments)
        self.sqs = boto3.client("sqs", **self._arguments)
        self.s3.create_bucket(Bucket=f"{name}-uploads")
        topic = {"FifoTopic": "true"} if fifo else {}
        made = self.sns.create_topic(Name=f"{name}-writes{ending}", Attributes=topic)
        self.topic = made["TopicArn"]
        self._attributes = {"VisibilityTimeout": str(VISIBILITY_S), **kind}
        if max_receive_count:
            dead = self.sqs.create_queue(QueueName=f"{name}-dead{ending}", Attributes=kind)
            self.dead_letters = dead["QueueUrl"]
            arn = self._arn(self.dead_letters)
            policy = {"deadLetterTargetArn": arn, "maxReceiveCount": max_receive_count}
            self._attributes["RedrivePolicy"] = json.dumps(policy)
        self.state = self._queue(f"{name}-state{ending}", "state", raw)
        self.orders = self._queue(f"{name}-orders{ending}", "orders", raw)
        self.env = {
            **KEYS,
            "AWS_ENDPOINT_URL": ministack.url,
            "BUCKET": f"{name}-uploads",
            "TOPIC_ARN": self.topic,
            "QUEUE_URL": self.state,
            "ORDERS_QUEUE_URL": self.orders,
            "VISIBILITY_TIMEOUT_S": str(VISIBILITY_S),
        }

    def set_visibility_timeout(self, seconds: int) -> None:
        """Of both queues."""
        for url in (self.state, self.orders):
            wanted = {"VisibilityTimeout": str(seconds)}
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)

    def depth(self) -> int:
        """Messages in both queues, visible or not."""
        return self._depth(self.state, self.orders)

    def dead(self) -> int:
        """Messages in the dead-letter queue."""
        return self._depth(self.dead_letters)

    def _depth(self, *urls: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        total = 0
        for url in urls:
            found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
            total += sum(int(value) for value in found["Attributes"].values())
        return total

    def close(self) -> None:
        for client in (self.s3, self.sns, self.sqs):
            client.close()

    def _queue(self, name: str, kind: str, raw: bool) -> str:
        url: str = self.sqs.create_queue(QueueName=name, Attributes=self._attributes)["QueueUrl"]
        wanted = {"FilterPolicy": f'{{"kind": ["{kind}"]}}', "RawMessageDelivery": "true"}
        self.sns.subscribe(
            TopicArn=self.topic,
            Protocol="sqs",
            Endpoint=self._arn(url),
            Attributes=wanted if raw else {},
        )
        return url

    def _arn(self, url: str) -> str:
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn: str = found["Attributes"]["QueueArn"]
        return arn
