"""The services that a pattern needs beside its instances: one class and one row each."""

from __future__ import annotations

from statedrill.cluster.services.base import Service
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.cluster.services.s3 import Bucket
from statedrill.cluster.services.sns_sqs import TopicWithQueues
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.inputs.services import ServiceOptions

SERVICES: tuple[type[Service], ...] = (
    MultiAzDatabase,
    ReplicationGroup,
    TopicWithQueues,
    Bucket,
)
"""Every service that the local target has. The order is that of `status` and of `doctor`."""


def service_options() -> dict[str, type[ServiceOptions]]:
    """What a pattern file may say about each service, by its key."""
    return {service.key: service.options for service in SERVICES}
