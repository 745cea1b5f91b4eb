"""SNS and SQS: a topic of the region that fans out to queues, played by MiniStack.

Knows the resources and their subscriptions, and what can be broken of them; knows no consumer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from statedrill.cluster.services.base import Service, ServiceContext
from statedrill.cluster.services.ministack import ACCOUNT, REGION, MiniStack, MiniStackService
from statedrill.cluster.services.sqs_queue import SqsQueue
from statedrill.inputs.services import Queue, QueueOptions, aws_name


class TopicWithQueues(MiniStackService):
    """The topic and the queues that the options name."""

    kind, key, options = "sns-sqs", "queue", QueueOptions
    defers_work = True
    apis = ("sns", "sqs")

    @classmethod
    @override
    def variant(cls, options: QueueOptions) -> type[Service]:
        return FifoTopicWithQueues if options.fifo else cls

    def __init__(self, context: ServiceContext, options: QueueOptions) -> None:
        super().__init__(context)
        self._topic, self._options = aws_name(options.topic, options.fifo), options.queues
        self._topic_attributes = {"FifoTopic": "true"} if options.fifo else {}
        # SQS takes whole seconds; a worker needs at least one to apply what it received.
        self._visibility_s = max(1, math.ceil(context.cluster.timings.queue_visibility_s))
        self._queues = {
            name: SqsQueue(
                self._ministack, name, self._visibility_s, queue.max_receive_count, options.fifo
            )
            for name, queue in options.queues.items()
        }

    @override
    def environment(self, zone: str) -> Mapping[str, str]:
        base = self._ministack.endpoint_url(zone)
        urls = {
            queue.variable: self._queues[name].url(base) for name, queue in self._options.items()
        }
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{self._topic}"
        known = {"TOPIC_ARN": topic, "VISIBILITY_TIMEOUT_S": str(self._visibility_s)}
        return {**super().environment(zone), **known, **urls}

    @override
    def backlog(self) -> int:
        """Messages in all queues: visible, in flight, delayed, and dead letters.

        Raises:
            ClusterError: the queues do not answer.
        """
        return sum(queue.depth() + queue.dead_letters() for queue in self._queues.values())

    @override
    def sample(self) -> Mapping[str, Any]:
        queues = self._queues.items()
        return {
            "depths": {name: queue.depth() for name, queue in queues},
            "dead_letters": {
                name: queue.dead_letters() for name, queue in queues if queue.has_dead_letters
            },
        }

    def queues(self) -> Mapping[str, SqsQueue]:
        """The queues by name, in the order of the pattern file."""
        return self._queues

    @override
    def _create(self, ministack: MiniStack) -> None:
        made = {"Name": self._topic, "Attributes": self._topic_attributes}
        topic = ministack.call("sns", "create_topic", **made)["TopicArn"]
        for name, queue in self._queues.items():
            queue.create()
            ministack.call(
                "sns",
                "subscribe",
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=queue.arn,
                Attributes=_subscription(self._options[name]),
            )


class FifoTopicWithQueues(TopicWithQueues):
    """A topic and queues that keep the order of each message group."""

    def fifo_queues(self) -> Mapping[str, SqsQueue]:
        """The queues by name, in the order of the pattern file."""
        return self.queues()


def _subscription(queue: Queue) -> dict[str, str]:
    attributes = {"RawMessageDelivery": "true"}
    if queue.filter:
        attributes["FilterPolicy"] = json.dumps(queue.filter)
    return attributes
