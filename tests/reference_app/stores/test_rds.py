"""State in PostgreSQL alone: what an error says about the write that it answers is true."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from reference_app.model.model import Credentials, NotSignedIn, Write, element
from reference_app.postgres.pool import PostgresPool
from reference_app.postgres.schema import prepare
from reference_app.stores.rds import RdsStore
from tests.reference_app.client import Direct, User, running
from tests.support.services import Postgres, remove
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster
Play = Callable[[RdsStore, Credentials], Awaitable[None]]


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    service = Postgres(tmp_path / "postgres")
    service.start()
    yield service
    service.kill()
    remove(tmp_path)


@pytest.fixture
def app(own_postgres: Postgres) -> Iterator[Direct]:
    url = own_postgres.url
    with running(SESSION_STORE="rds", DATABASE_URL=url, COMMAND_TIMEOUT_S="2") as one:
        yield one


@pytest.fixture
def user(app: Direct) -> User:
    one = User(app.send)
    one.sign_in()
    assert one.put("/draft", 1).status == 200
    return one


def set_standby(postgres: Postgres, name: str) -> None:
    """Which standby each commit waits for; there is none of any name."""

    async def alter() -> None:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()

    asyncio.run(alter())


def test_a_write_whose_commit_is_not_answered_is_not_known(
    user: User, own_postgres: Postgres
) -> None:
    set_standby(own_postgres, "nobody")
    unanswered = user.put("/draft", 2)
    assert (unanswered.status, unanswered.json()["executed"]) == (500, "unknown")
    set_standby(own_postgres, "")
    wait_until(lambda: user.get("/draft")["value"] == 2, "the commit has ended")


def test_a_dead_database_is_told_truly_and_loses_nothing(
    user: User, own_postgres: Postgres
) -> None:
    own_postgres.kill()
    refused = user.put("/draft", 2)
    assert (refused.status, refused.json()["executed"]) == (503, False)
    assert user.call("GET", "/draft").status == 503
    own_postgres.start()
    assert user.get("/draft")["value"] == 1
    assert user.put("/draft", 3).json()["ver"] == 2


def play(postgres: Postgres, game: Play, user: str) -> None:
    async def whole() -> None:
        database = PostgresPool(postgres.url, 8, 1, 5)
        try:
            await database.start(prepare)
            store = RdsStore(database, ttl_s=60)
            credentials, _ = await store.sign_in(Credentials.new(user), "sign-in")
            await game(store, credentials)
        finally:
            await database.stop()

    asyncio.run(whole())


def append(user: str, wid: str) -> Write:
    return Write(user, "history", "append", wid, element(wid, article="a"))


def test_writes_of_one_user_at_once_get_versions_of_their_own(postgres: Postgres) -> None:
    async def game(store: RdsStore, credentials: Credentials) -> None:
        writes = [append(credentials.user, f"w{number}") for number in range(30)]
        receipts = await asyncio.gather(*(store.write(credentials, each) for each in writes))
        assert sorted(each.ver for each in receipts) == list(range(1, 31))
        history = await store.read(credentials, "history")
        assert len((history.value or b"").splitlines()) == 30

    play(postgres, game, "rds-u1")


def test_a_retry_is_answered_as_the_first_attempt_even_after_the_sign_out(
    postgres: Postgres,
) -> None:
    async def game(store: RdsStore, credentials: Credentials) -> None:
        receipt = await store.write(credentials, append(credentials.user, "w1"))
        await store.sign_out(credentials, "out")
        assert await store.write(credentials, append(credentials.user, "w1")) == receipt
        with pytest.raises(NotSignedIn):
            await store.write(credentials, append(credentials.user, "w2"))

    play(postgres, game, "rds-u2")
