"""The AWS services of the region, started."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.s3 import Bucket
from statedrill.cluster.services.sns_sqs import TopicWithQueues
from statedrill.inputs.services import Queue, QueueOptions, StorageOptions
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import TIMINGS, services_of

QUEUES = QueueOptions(
    topic="shop-writes",
    queues={
        "state": Queue(variable="QUEUE_URL", filter={"kind": ("state",)}, max_receive_count=2),
        "orders": Queue(variable="ORDERS_QUEUE_URL", filter={"kind": ("orders",)}),
        "all": Queue(variable="ALL_QUEUE_URL"),
    },
)


@pytest.fixture
def aws_services(registry: ProcessRegistry) -> Iterator[ServiceContext]:
    with services_of(registry, replace(TIMINGS, queue_visibility_s=0.2)) as context:
        yield context


@pytest.fixture
def topic(aws_services: ServiceContext) -> Iterator[TopicWithQueues]:
    made = TopicWithQueues(aws_services, QUEUES)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def bucket(aws_services: ServiceContext) -> Iterator[Bucket]:
    made = Bucket(aws_services, StorageOptions(bucket="shop-uploads"))
    made.start()
    yield made
    made.stop()
