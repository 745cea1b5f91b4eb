"""A program that is killed while faults on managed services are open."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import boto3
import pytest
from redis import Redis

from reference_app.model.model import Write
from reference_app.model.ordering import QueuedWrite
from statedrill.cluster.cluster import Cluster
from statedrill.faults.base import Fault
from statedrill.faults.disrupt_replication import DisruptReplication
from statedrill.faults.exhaust_db_connections import ExhaustDbConnections
from statedrill.faults.failover import FailoverDbCluster, TestFailover
from statedrill.faults.fill_cache import FillCache
from statedrill.faults.fill_db_storage import FillDbStorage
from statedrill.faults.flush_cache import FlushCache
from statedrill.faults.freeze_node import FreezeCacheNode, FreezeDbNode
from statedrill.faults.queue_errors import LoseQueueAnswers, ThrottleQueue
from statedrill.faults.reboot_db_instance import RebootDbInstance
from statedrill.faults.receive_message import ReceiveMessage
from statedrill.faults.send_message import SendPoisonMessage
from statedrill.faults.set_queue_attributes import SetQueueAttributes
from statedrill.faults.storage_errors import LoseStorageEndpoint, ThrottleStorage
from statedrill.inputs import discovery
from statedrill.inputs.pattern import Pattern
from tests.support.killed_owner import Owner, owner_of
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's"),
]

PATTERN = discovery.find("pattern", "decoupled")  # it has every service
Rows = Mapping[type[Fault], Mapping[str, object]]

# Each row is played in one cluster: these can be open at the same time, in this order.
LOST: Rows = {
    SendPoisonMessage: {},
    SetQueueAttributes: {},
    ThrottleQueue: {},
    ThrottleStorage: {},
    FlushCache: {},
    FailoverDbCluster: {},
    TestFailover: {},
}
CUT: Rows = {
    DisruptReplication: {},
    LoseQueueAnswers: {},
    LoseStorageEndpoint: {},
    ExhaustDbConnections: {},
    RebootDbInstance: {},
}
HUNG: Rows = {FillCache: {}, FreezeCacheNode: {}, FreezeDbNode: {}}
FULL: Rows = {FillDbStorage: {}}

OVER_AT_ONCE = {FlushCache}


@pytest.mark.parametrize(
    "rows",
    [LOST, CUT, HUNG, FULL],
    ids=["primaries are lost", "calls and replication fail", "nodes hang", "volumes are full"],
)
def test_nothing_of_a_broken_service_outlives_its_owner_and_the_next_cluster_is_whole(
    rows: Rows, tmp_path: Path, make_cluster: Callable[..., Cluster]
) -> None:
    equipment = frozenset().union(*(kind.equipment for kind in rows))
    with owner_of(PATTERN, tmp_path, equipment) as owner:
        write_what_expires(owner)
        for kind, arguments in rows.items():
            owner.inject(kind, **arguments)
        lasting = [kind.name for kind in rows if kind not in OVER_AT_ONCE]
        assert [each for each in owner.open_faults() if each in lasting] == lasting
        owner.kill()
        with make_cluster(Pattern.read(PATTERN), equipment) as after:
            wait_until(lambda: owner.left() == [], "the dead cluster to be gone")
            assert after.missing() == []


def test_a_message_that_was_kept_is_gone_with_its_queue(
    tmp_path: Path, make_cluster: Callable[..., Cluster]
) -> None:
    fifo = discovery.find("pattern", "decoupled-fifo")
    with owner_of(fifo, tmp_path, frozenset()) as owner:
        with sending(owner):
            owner.inject(ReceiveMessage)
        assert owner.open_faults() == [ReceiveMessage.name]
        owner.kill()
        with make_cluster(Pattern.read(fifo)) as after:
            wait_until(lambda: owner.left() == [], "the dead cluster to be gone")
            assert after.missing() == []
            assert after.settle(30)


@contextlib.contextmanager
def sending(owner: Owner) -> Iterator[None]:
    """One user's writes, one after the other, into the queue."""
    host = owner.ask("status")["network"].replace("0.0/16", "0.70")
    url = f"http://{host}:4566"
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sqs = boto3.client("sqs", endpoint_url=url, region_name="us-east-1", **keys)
    enough = threading.Event()

    def send() -> None:
        for number in itertools.count():
            write = Write("u", "draft", "set", f"w{number}", b"1")
            sqs.send_message(
                QueueUrl=f"{url}/000000000000/state.fifo",
                MessageBody=QueuedWrite(write).to_message(),
                MessageGroupId="u",
                MessageDeduplicationId=write.wid,
            )
            if enough.wait(0.1):
                return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()
        sqs.close()


def write_what_expires(owner: Owner) -> None:
    """Keys that a full cache can evict, written through its endpoint."""
    host = owner.ask("status")["network"].replace("0.0/16", "0.63")
    with Redis(host) as session:
        for n in range(500):
            session.set(f"key-{n}", n, ex=600)
