"""The decoupled deployment as processes: web, workers, PostgreSQL, topic and queues."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reference_app.model.model import Write, element
from reference_app.model.ordering import QueuedWrite
from tests.reference_app.client import User, over_http
from tests.reference_app.decoupled_stack import Stack, entries, healthy
from tests.support.aws import VISIBILITY_S, Region
from tests.support.services import MiniStack, Postgres, remove
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, region: Region
) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), postgres, region)
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


def test_an_accepted_write_becomes_visible_and_the_session_is_there_at_once(stack: Stack) -> None:
    stack.add_worker()
    user = stack.user()
    assert user.get("/session")["user"] == user.name
    accepted = user.put("/preferences", {"theme": "dark"})
    assert (accepted.status, accepted.json()) == (202, {"wid": user.last_wid})
    wid = user.last_wid
    wait_until(lambda: user.get("/preferences")["wid"] == wid, "the write is visible")
    assert user.get("/preferences") == {"ver": 1, "wid": wid, "value": {"theme": "dark"}}
    user.add("a")
    item = user.last_wid
    user.add("b")
    user.call("DELETE", f"/cart/items/{item}")
    for key in ("k1", "k1", "k2"):
        assert user.order(key).status == 202
    stack.drained()
    assert [one["sku"] for one in user.get("/cart")["items"]] == ["b"]
    assert [one["key"] for one in user.get("/orders")["orders"]] == ["k1", "k2"]
    assert user.get("/cart")["ver"] == 3


def test_only_one_cookie_is_kept_however_many_writes_were_accepted(stack: Stack) -> None:
    user = stack.user()
    for _ in range(5):
        user.append("x")
    assert len([name for name in user.cookies if name.startswith("after-state-")]) == 1
    assert user.last_wid in "".join(user.cookies.values())


def test_a_signed_out_cookie_queues_nothing(stack: Stack) -> None:
    user = stack.user()
    user.call("POST", "/sign-out", keep_cookies=False)
    for method, path in [("PUT", "/draft"), ("GET", "/draft"), ("GET", "/session")]:
        assert user.call(method, path, {"value": 1}).status == 401
    user.cookies["sid"] = user.cookies["sid"].replace("~", "x~", 1)
    assert user.put("/draft", 1).status == 401


def test_messages_out_of_order_and_doubled_are_applied_once_in_order(stack: Stack) -> None:
    user = stack.user()
    wids = [f"{user.name}.m{number}" for number in range(30)]
    bodies = []
    for number, wid in enumerate(wids):
        write = Write(user.name, "history", "append", wid, element(wid, article="a"))
        bodies.append(QueuedWrite(write, tuple(wids[number - 1 : number])).to_message())
    bodies += bodies[::3]
    random.Random(7).shuffle(bodies)
    for body in bodies:
        stack.region.sqs.send_message(QueueUrl=stack.region.state, MessageBody=body)
    stack.add_worker()
    stack.add_worker()
    wait_until(lambda: len(entries(user)) == 30, "all are applied", 30)
    stack.drained()
    assert entries(user) == wids
    assert user.get("/history")["ver"] == 30


def test_killed_workers_lose_and_double_nothing(stack: Stack) -> None:
    users = [stack.user() for _ in range(4)]
    worker = stack.add_worker()
    sent: dict[str, list[str]] = {user.name: [] for user in users}

    def write(user: User) -> None:
        for _ in range(25):
            assert user.append("x").status == 202
            sent[user.name].append(user.last_wid)

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


def test_a_worker_that_starts_while_the_visibility_timeout_is_wrong_works_all_the_same(
    stack: Stack,
) -> None:
    user = stack.user()
    stack.region.set_visibility_timeout(0)
    try:
        stack.add_worker()
        for _ in range(5):
            user.append("x")
        wait_until(lambda: len(entries(user)) == 5, "all are applied")
    finally:
        stack.region.set_visibility_timeout(VISIBILITY_S)
    stack.drained()


def test_signing_in_again_keeps_the_order_of_what_was_queued_before(stack: Stack) -> None:
    user = stack.user()
    sent = []
    for round_number in range(3):
        for _ in range(5):
            user.append(f"x{round_number}")
            sent.append(user.last_wid)
        user.sign_in()
    stack.add_worker()
    stack.add_worker()
    stack.drained()
    assert entries(user) == sent


def test_a_strange_message_is_dropped_and_stops_nobody(stack: Stack) -> None:
    stack.region.sqs.send_message(QueueUrl=stack.region.state, MessageBody="hello")
    worker = stack.add_worker()
    user = stack.user()
    user.put("/draft", 1)
    stack.drained()
    assert user.get("/draft")["value"] == 1
    assert worker.log().count("is rejected") == 1


def test_what_can_never_be_applied_ends_as_a_dead_letter_and_holds_nobody_up(
    tmp_path: Path, postgres: Postgres, ministack: MiniStack
) -> None:
    region = Region(ministack, "dead", max_receive_count=5)
    stack = Stack(tmp_path, postgres, region)
    try:
        stack.web.start()
        healthy(stack.web)
        user = stack.user()
        refused = QueuedWrite(Write("poison", "draft", "set", "poison", b"\0")).to_message()
        for body in (refused, "hello"):
            region.sqs.send_message(QueueUrl=region.state, MessageBody=body)
        sent = []
        for _ in range(10):
            user.append("x")
            sent.append(user.last_wid)
        stack.add_worker()
        stack.drained()
        assert region.dead() == 2
        assert entries(user) == sent
    finally:
        stack.close()
        region.close()


def test_the_worker_stops_gracefully_and_tells_its_health(stack: Stack) -> None:
    worker = stack.add_worker()
    healthy(worker)
    assert worker.kill(signal.SIGTERM) == 0
    assert "Traceback" not in worker.log()


def test_while_the_database_is_away_writes_are_accepted_and_applied_afterwards(
    tmp_path: Path, region: Region
) -> None:
    postgres = Postgres(tmp_path / "postgres")
    stack = Stack(tmp_path, postgres, region)
    try:
        stack.web.start()  # both before the database is there
        worker = stack.add_worker()
        probe = User(over_http(stack.web.url))
        assert probe.call("GET", "/health").status == 503
        postgres.start()
        healthy(stack.web)
        healthy(worker)
        user = stack.user()
        sent = []
        for _ in range(5):
            user.append("x")
            sent.append(user.last_wid)
        postgres.kill()
        for _ in range(5):
            assert user.append("x").status == 202
            sent.append(user.last_wid)
        assert user.call("GET", "/history").status == 503
        assert probe.call("GET", "/health").status == 200
        refused = user.call("POST", "/sign-in", {"user": user.name}, keep_cookies=False)
        assert (refused.status, refused.json()["executed"]) == (503, False)
        postgres.start()
        wait_until(lambda: user.call("GET", "/history").status == 200, "reads are back")
        stack.drained()
        assert entries(user) == sent
    finally:
        stack.close()
        postgres.kill()
        remove(tmp_path)


def test_without_raw_delivery_and_filters_everything_is_applied_once(
    tmp_path: Path, postgres: Postgres, ministack: MiniStack
) -> None:
    region = Region(ministack, "plain", raw=False)
    stack = Stack(tmp_path, postgres, region)
    try:
        stack.web.start()
        stack.add_worker()
        healthy(stack.web)
        user = stack.user()
        user.append("x")
        user.order("k")
        stack.drained()
        assert user.get("/history")["ver"] == 1
        assert user.get("/orders")["ver"] == 1
    finally:
        stack.close()
        region.close()
