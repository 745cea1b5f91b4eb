"""SNS and SQS: a topic of the region that fans out to queues, played by MiniStack.

Knows the resources and their subscriptions; knows no message.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.ministack import ACCOUNT, REGION, MiniStack, MiniStackService
from statedrill.errors import ClusterError
from statedrill.inputs.services import Queue, QueueOptions

_DEPTHS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


class TopicWithQueues(MiniStackService):
    """The topic and the queues that the options name."""

    kind, key, options = "sns-sqs", "queue", QueueOptions
    defers_work = True

    def __init__(self, context: ServiceContext, options: QueueOptions) -> None:
        super().__init__(context)
        self._topic, self._queues = options.topic, options.queues
        # SQS takes whole seconds; a worker needs at least one to apply what it received.
        self._visibility_s = max(1, math.ceil(context.cluster.timings.queue_visibility_s))

    @override
    def environment(self, zone: str) -> Mapping[str, str]:
        base = self._ministack.endpoint_url(zone)
        queues = {queue.variable: _url(base, name) for name, queue in self._queues.items()}
        return {**super().environment(zone), "TOPIC_ARN": _arn("sns", self._topic), **queues}

    @override
    def backlog(self) -> int:
        """Messages in all queues: visible, in flight and delayed.

        Raises:
            ClusterError: the queues do not answer.
        """
        return sum(self._depth(name) for name in self._queues)

    @override
    def sample(self) -> Mapping[str, Any]:
        return {"depths": {name: self._depth(name) for name in self._queues}}

    def _depth(self, name: str) -> int:
        found = self._ministack.call(
            "sqs",
            "get_queue_attributes",
            QueueUrl=_url(self._ministack.url, name),
            AttributeNames=_DEPTHS,
        )["Attributes"]
        return sum(int(found[each]) for each in _DEPTHS)

    @override
    def _create(self, ministack: MiniStack) -> None:
        topic = ministack.call("sns", "create_topic", Name=self._topic)["TopicArn"]
        for name, queue in self._queues.items():
            attributes = {"VisibilityTimeout": str(self._visibility_s)}
            made = ministack.call("sqs", "create_queue", QueueName=name, Attributes=attributes)
            if made["QueueUrl"] != _url(ministack.url, name):
                raise ClusterError(f"queue {name} got the address {made['QueueUrl']}")
            ministack.call(
                "sns",
                "subscribe",
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=_arn("sqs", name),
                Attributes=_subscription(queue),
            )


def _url(base: str, queue: str) -> str:
    return f"{base}/{ACCOUNT}/{queue}"


def _subscription(queue: Queue) -> dict[str, str]:
    attributes = {"RawMessageDelivery": "true"}
    if queue.filter:
        attributes["FilterPolicy"] = json.dumps(queue.filter)
    return attributes


def _arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"
