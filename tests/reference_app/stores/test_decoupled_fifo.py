"""The decoupled deployment with a FIFO topic and FIFO queues, as processes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reference_app.model.model import Write
from reference_app.model.ordering import QueuedWrite
from reference_app.stores.decoupled_fifo import group_place
from tests.reference_app.client import User, over_http
from tests.reference_app.decoupled_stack import Stack, entries, healthy
from tests.support.aws import VISIBILITY_S, Region
from tests.support.services import MiniStack, Postgres, remove
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster
STORE = "decoupled-fifo"
DEADLY = 5


@pytest.fixture(scope="module")
def fifo_region(ministack: MiniStack) -> Iterator[Region]:
    one = Region(ministack, "fifo", max_receive_count=DEADLY, fifo=True)
    yield one
    one.close()


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, fifo_region: Region
) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), postgres, fifo_region, STORE)
    try:
        stack.web.start()
        healthy(stack.web)
        yield stack
    finally:
        stack.close()


@pytest.fixture
def stack(shared: Stack) -> Iterator[Stack]:
    yield shared
    for worker in shared.workers:
        worker.kill()
    shared.workers.clear()


def send(stack: Stack, body: str, group: str, unique: str) -> None:
    stack.region.sqs.send_message(
        QueueUrl=stack.region.state,
        MessageBody=body,
        MessageGroupId=group,
        MessageDeduplicationId=unique,
    )


def test_writes_are_applied_in_the_order_of_their_acknowledgements_though_workers_are_killed(
    stack: Stack,
) -> None:
    """Without a cookie that says so: the order is that of the group."""
    users = [stack.user() for _ in range(4)]
    worker = stack.add_worker()
    stack.add_worker()
    sent: dict[str, list[str]] = {user.name: [] for user in users}

    def write(user: User) -> None:
        for _ in range(25):
            assert user.append("x").status == 202
            sent[user.name].append(user.last_wid)
        assert not [name for name in user.cookies if name.startswith("after-")]

    with ThreadPoolExecutor(len(users)) as pool:
        running = [pool.submit(write, user) for user in users]
        for _ in range(3):
            wait_until(lambda: sum(map(len, sent.values())) > 5, "writes are under way")
            worker.kill(signal.SIGKILL)
            worker = stack.add_worker()
        for one in running:
            one.result()
    stack.drained()
    for user in users:
        assert entries(user) == sent[user.name]
    assert stack.region.dead() == 0


def test_a_write_that_is_sent_again_is_applied_once(stack: Stack) -> None:
    stack.add_worker()
    user = stack.user()
    user.put("/draft", 1)
    first = user.last_wid
    user.put("/draft", 2)
    assert user.call("PUT", "/draft", {"value": 1}, wid=first).status == 202
    for key in ("k1", "k1", "k2"):
        assert user.order(key).status == 202
    stack.drained()
    assert (user.get("/draft")["ver"], user.get("/draft")["value"]) == (2, 2)
    assert [one["key"] for one in user.get("/orders")["orders"]] == ["k1", "k2"]


def test_only_the_group_of_a_message_in_flight_waits(stack: Stack) -> None:
    """The test is a consumer that hangs: it receives a message and does nothing."""
    blocked, other = stack.user(), stack.user()
    blocked.append("x")
    sent = [blocked.last_wid]
    (held,) = stack.region.sqs.receive_message(QueueUrl=stack.region.state, VisibilityTimeout=600)[
        "Messages"
    ]
    stack.add_worker()
    for _ in range(3):
        blocked.append("x")
        sent.append(blocked.last_wid)
        other.append("y")
    wait_until(lambda: len(entries(other)) == 3, "the others go on")
    assert entries(blocked) == []
    assert stack.region.depth() == 4
    stack.region.sqs.change_message_visibility(
        QueueUrl=stack.region.state, ReceiptHandle=held["ReceiptHandle"], VisibilityTimeout=0
    )
    stack.drained()
    assert entries(blocked) == sent


def test_what_can_never_be_applied_becomes_a_dead_letter_and_its_group_goes_on(
    stack: Stack,
) -> None:
    user = stack.user()
    write = Write(user.name, "draft", "set", f"{user.name}.poison", b"\0")
    poison = QueuedWrite(write)
    place = group_place(poison)
    send(stack, poison.to_message(), place.group, place.deduplication_id)
    send(stack, "hello", place.group, "hello")
    sent = []
    for _ in range(10):
        user.append("x")
        sent.append(user.last_wid)
    began_s = time.monotonic()
    stack.add_worker()
    wait_until(lambda: len(entries(user)) == 10, "its group goes on")
    assert time.monotonic() - began_s < DEADLY * VISIBILITY_S
    stack.drained()
    assert stack.region.dead() == 2
    assert entries(user) == sent
    stack.region.sqs.purge_queue(QueueUrl=stack.region.dead_letters)


def test_the_order_outlasts_an_outage_of_the_database(tmp_path: Path, ministack: MiniStack) -> None:
    region = Region(ministack, "away", fifo=True)
    postgres = Postgres(tmp_path / "postgres")
    postgres.start()
    stack = Stack(tmp_path, postgres, region, STORE)
    try:
        stack.web.start()
        healthy(stack.web)
        stack.add_worker()
        user, sent = stack.user(), []
        user.append("x")
        sent.append(user.last_wid)
        postgres.kill()
        for _ in range(25):
            assert user.append("x").status == 202
            sent.append(user.last_wid)
        assert User(over_http(stack.web.url)).call("GET", "/health").status == 200
        postgres.start()
        wait_until(lambda: user.call("GET", "/history").status == 200, "reads are back")
        stack.drained()
        assert entries(user) == sent
    finally:
        stack.close()
        postgres.kill()
        region.close()
        remove(tmp_path)
