"""The services that a pattern needs beside its instances: one class and one row each.

Several engines of one service are a class each: they share their `key`, and a pattern has the one
whose options it chose.
"""

from __future__ import annotations

from statedrill.cluster.services.base import Service
from statedrill.cluster.services.memcached.cluster import MemcachedCluster
from statedrill.cluster.services.postgres.multi_az import MultiAzDatabase
from statedrill.cluster.services.s3 import Bucket
from statedrill.cluster.services.sns_sqs import TopicWithQueues
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.services import KnownServices, ServiceOptions

SERVICES: tuple[type[Service], ...] = (
    MultiAzDatabase,
    ReplicationGroup,
    MemcachedCluster,
    TopicWithQueues,
    Bucket,
)
"""Every service that the local target has. The order is that of `status` and of `doctor`."""


def service_options() -> KnownServices:
    """What a pattern file may say about each service, by its key."""
    options: dict[str, tuple[type[ServiceOptions], ...]] = {}
    for service in SERVICES:
        options[service.key] = (*options.get(service.key, ()), service.options)
    return options


def services_of(pattern: Pattern) -> list[type[Service]]:
    """The services that `pattern` uses, in the order of the table."""
    chosen = pattern.services
    return [
        each.variant(chosen[each.key])
        for each in SERVICES
        if isinstance(chosen.get(each.key), each.options)
    ]
