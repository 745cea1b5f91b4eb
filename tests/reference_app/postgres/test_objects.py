from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from reference_app.model.model import OutcomeUnknown, Unavailable, Write, element
from reference_app.model.ordering import QueuedWrite
from reference_app.postgres.objects import ObjectTable
from reference_app.postgres.pool import PostgresPool
from reference_app.postgres.schema import prepare
from tests.reference_app.client import User, running
from tests.support.aws import Region
from tests.support.services import Postgres, remove

pytestmark = pytest.mark.cluster
_users = itertools.count(1)
Play = Callable[[ObjectTable], Awaitable[None]]


def append(user: str, wid: str, *after: str) -> QueuedWrite:
    return QueuedWrite(Write(user, "history", "append", wid, element(wid, article="a")), after)


def play(url: str, game: Play) -> None:
    async def whole() -> None:
        database = PostgresPool(url, 4, 1, 2)
        try:
            await database.start(prepare)
            await game(ObjectTable(database))
        finally:
            await database.stop()

    asyncio.run(whole())


@pytest.fixture
def user() -> str:
    return f"objects-u{next(_users)}"


def test_held_writes_are_applied_when_what_they_follow_is(postgres: Postgres, user: str) -> None:
    async def game(objects: ObjectTable) -> None:
        first, second, third = (append(user, "1"), append(user, "2", "1"), append(user, "3", "2"))
        early = await objects.apply_in_order([third, second])
        assert (early.done, early.held, early.skipped) == ([], [third, second], [])
        assert (await objects.apply_in_order([first])).done == [first]
        late = await objects.apply_in_order([third, second])
        assert sorted(one.write.wid for one in late.done) == ["2", "3"]
        history = await objects.read(user, "history")
        assert [line[7:8] for line in (history.value or b"").splitlines()] == [b"1", b"2", b"3"]

    play(postgres.url, game)


def test_a_redelivery_is_done_and_changes_nothing(postgres: Postgres, user: str) -> None:
    async def game(objects: ObjectTable) -> None:
        one = append(user, "1")
        await objects.apply_in_order([one, one])
        before = await objects.read(user, "history")
        assert (await objects.apply_in_order([one])).done == [one]
        assert await objects.read(user, "history") == before
        assert before.ver == 1

    play(postgres.url, game)


def test_two_workers_with_one_users_writes_neither_double_nor_reorder_them(
    postgres: Postgres, user: str
) -> None:
    writes = [append(user, "0")] + [append(user, str(n), str(n - 1)) for n in range(1, 40)]

    async def worker(objects: ObjectTable, seed: int) -> None:
        chance = random.Random(seed)
        todo = list(writes)
        while todo:
            batch = chance.sample(todo, min(7, len(todo)))
            outcome = await objects.apply_in_order(batch)
            todo = [one for one in todo if one not in outcome.done]

    async def game(objects: ObjectTable) -> None:
        await asyncio.gather(*(worker(objects, seed) for seed in range(3)))
        history = await objects.read(user, "history")
        expected = [one.write.data for one in writes]
        assert (history.value or b"").split(b"\n") == expected

    play(postgres.url, game)


def test_a_user_another_transaction_is_busy_with_is_skipped_and_others_are_not(
    postgres: Postgres, user: str
) -> None:
    other = f"{user}-other"

    async def game(objects: ObjectTable) -> None:
        await objects.apply_in_order([append(user, "1"), append(other, "1")])
        connection = await asyncpg.connect(postgres.url)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT 1 FROM users WHERE name = $1 FOR UPDATE", user)
        busy, free = append(user, "2", "1"), append(other, "2", "1")
        outcome = await objects.apply_in_order([busy, free])
        assert (outcome.done, outcome.skipped) == ([free], [busy])
        await transaction.rollback()
        await connection.close()
        assert (await objects.apply_in_order([busy])).done == [busy]

    play(postgres.url, game)


def test_many_processes_can_make_the_tables_at_once(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "fresh")
    try:
        postgres.start()

        async def whole() -> None:
            databases = [PostgresPool(postgres.url, 2, 1, 5) for _ in range(6)]
            await asyncio.gather(*(one.start(prepare) for one in databases))
            for one in databases:
                await one.stop()

        asyncio.run(whole())
    finally:
        postgres.kill()
        remove(tmp_path)


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    service = Postgres(tmp_path / "own")
    service.start()
    yield service
    service.kill()
    remove(tmp_path)


def test_a_pool_left_behind_by_a_failover_fails_nobody(own_postgres: Postgres, user: str) -> None:
    async def game(objects: ObjectTable) -> None:
        await asyncio.gather(*(objects.read(user, "history") for _ in range(8)))  # fill the pool
        await objects.apply(append(user, "1").write)
        own_postgres.kill()
        with pytest.raises(Unavailable):
            await objects.apply(append(user, "2").write)
        own_postgres.start()
        await asyncio.gather(*(objects.read(user, "history") for _ in range(8)))
        assert (await objects.apply(append(user, "3").write)).ver == 2

    play(own_postgres.url, game)


def test_a_connection_that_the_deadline_closed_in_mid_call_is_a_broken_one(
    postgres: Postgres,
) -> None:
    async def stumble(_: object) -> None:
        await asyncio.sleep(0.05)
        raise AttributeError("'NoneType' object has no attribute 'bind_execute'")

    async def whole() -> None:
        database = PostgresPool(postgres.url, 1, 1, 5)
        try:
            await database.start(prepare)
            with pytest.raises(OutcomeUnknown):
                await database.run_once(stumble, deadline_s=0.01)
            with pytest.raises(AttributeError):  # in time: a mistake of the caller's own
                await database.run_once(stumble)
        finally:
            await database.stop()

    asyncio.run(whole())


def test_orders_are_made_once_for_each_key(postgres: Postgres, region: Region) -> None:
    with running(DATABASE_URL=postgres.url, **region.env) as app:
        user = User(app.send)
        user.sign_in()
        assert user.get("/orders") == {"ver": 0, "wid": None, "orders": []}
        first = user.order("k1")
        wid = user.last_wid
        assert (first.status, first.json()["ver"], first.json()["wid"]) == (201, 1, wid)
        again = user.order("k1")
        assert (again.status, again.json()) == (200, first.json())
        same_attempt = user.order("k1", wid=wid)
        assert (same_attempt.status, same_attempt.json()) == (200, first.json())
        assert user.order("k2").status == 201
        orders = user.get("/orders")
        assert [order["key"] for order in orders["orders"]] == ["k1", "k2"]
        assert orders["ver"] == 2
        assert orders["orders"][0]["id"] == first.json()["order"]


def test_uploads_come_back_and_a_lost_object_is_told(postgres: Postgres, region: Region) -> None:
    with running(DATABASE_URL=postgres.url, **region.env) as app:
        user = User(app.send)
        user.sign_in()
        never = user.call("GET", "/uploads/pic")
        assert never.status == 404
        assert (never.json()["absent"], never.json()["ver"]) == (True, 0)
        for ver, content in enumerate((b"\x89PNG one", b"\x89PNG two"), start=1):
            stored = user.upload("pic", content)
            assert stored.json() == {"ver": ver, "wid": user.last_wid}
        wid = user.last_wid
        got = user.call("GET", "/uploads/pic")
        assert (got.body, got.header("content-type")) == (b"\x89PNG two", "image/png")
        assert (got.header("x-ver"), got.header("x-write-id")) == ("2", wid)
        bucket = region.env["BUCKET"]
        keys = [one["Key"] for one in region.s3.list_objects_v2(Bucket=bucket)["Contents"]]
        region.s3.delete_object(Bucket=bucket, Key=next(key for key in keys if wid in key))
        gone = user.call("GET", "/uploads/pic")
        assert gone.status == 404
        assert (gone.json()["absent"], gone.json()["ver"], gone.json()["wid"]) == (True, 2, wid)
