"""The store on a volume: what outlives the process, who may write, and what errors mean."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reference_app.environment import SettingsError
from reference_app.model.model import (
    Credentials,
    NotSignedIn,
    OutcomeUnknown,
    Unavailable,
    Write,
)
from reference_app.stores.sqlite import SqliteStore
from tests.reference_app.client import User, running

ANN = Credentials("token", "ann")

# Writes 1, 2, 3... to one object, and prints each number once it is acknowledged.
WRITER = """
import asyncio, itertools, os, pathlib, sys
from reference_app.model.model import Credentials, Write
from reference_app.stores.sqlite import SqliteStore

async def main():
    ann = Credentials("token", "ann")
    store = SqliteStore(pathlib.Path(sys.argv[1]), 60)
    await store.start()
    await store.sign_in(ann, "in")
    for number in itertools.count(1):
        await store.write(ann, Write("ann", "draft", "set", f"w{number}", b"%d" % number))
        os.write(1, b"%d\\n" % number)

asyncio.run(main())
"""

Play = Callable[[SqliteStore], Awaitable[None]]


class Clock:
    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def played(volume: Path, play: Play, clock: Callable[[], float] = time.monotonic) -> None:
    """Open the volume, use it, and give it up."""

    async def life() -> None:
        store = SqliteStore(volume, 10, clock)
        await store.start()
        try:
            await play(store)
        finally:
            await store.stop()

    asyncio.run(life())


async def signed_in(store: SqliteStore) -> None:
    await store.sign_in(ANN, "in")
    await store.write(ANN, Write("ann", "draft", "set", "w1", b"1"))


async def at_home(store: SqliteStore) -> None:
    assert (await store.session(ANN)).wid == "in"
    assert (await store.read(ANN, "draft")).value == b"1"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


def test_sessions_and_state_outlive_the_process(tmp_path: Path) -> None:
    played(tmp_path, signed_in)
    played(tmp_path, at_home)


def test_a_repeated_write_has_the_effect_of_one_across_processes(tmp_path: Path) -> None:
    async def again(store: SqliteStore) -> None:
        await store.write(ANN, Write("ann", "draft", "set", "w2", b"2"))
        receipt = await store.write(ANN, Write("ann", "draft", "set", "w1", b"1"))
        assert receipt.ver == 1
        assert (await store.read(ANN, "draft")).value == b"2"

    played(tmp_path, signed_in)
    played(tmp_path, again)


def test_a_write_of_nobody_changes_nothing(tmp_path: Path) -> None:
    async def refused(store: SqliteStore) -> None:
        await signed_in(store)
        await store.sign_out(ANN, "out")
        for call in (
            store.write(ANN, Write("ann", "draft", "set", "w2", b"2")),
            store.sign_out(ANN, "out"),
            store.session(ANN),
        ):
            with pytest.raises(NotSignedIn):
                await call
        await store.sign_in(ANN, "in again")
        assert (await store.read(ANN, "draft")).value == b"1"

    played(tmp_path, refused)


def test_a_session_lives_on_while_it_is_used_and_ends_when_it_is_not(tmp_path: Path) -> None:
    clock = Clock(1000)

    async def used(store: SqliteStore) -> None:
        await signed_in(store)
        for _ in range(5):
            clock.now_s += 7
            await store.read(ANN, "draft")
        clock.now_s += 10.6
        with pytest.raises(NotSignedIn):
            await store.session(ANN)

    played(tmp_path, used, clock)


def test_a_session_lives_for_its_whole_time_after_every_use(tmp_path: Path) -> None:
    clock = Clock(1000)

    async def used(store: SqliteStore) -> None:
        await signed_in(store)
        clock.now_s += 0.45
        await store.session(ANN)
        clock.now_s += 9.99
        await store.session(ANN)

    played(tmp_path, used, clock)


@pytest.mark.parametrize("now_s", [-1e9, 0, 1e9])
def test_no_clock_of_another_host_ends_a_session(tmp_path: Path, now_s: float) -> None:
    async def expires(store: SqliteStore) -> None:
        await at_home(store)
        clock.now_s += 10.6
        with pytest.raises(NotSignedIn):
            await store.session(ANN)

    clock = Clock(now_s)
    played(tmp_path, signed_in, Clock(5000))
    played(tmp_path, expires, clock)


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(
    tmp_path: Path, writer: subprocess.Popen[bytes]
) -> None:
    assert writer.stdout
    acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
    writer.kill()
    acknowledged += [int(line) for line in writer.stdout.read().splitlines()]

    async def kept(store: SqliteStore) -> None:
        found = await store.read(ANN, "draft")
        assert found.ver >= acknowledged[-1]
        assert found.value == b"%d" % found.ver

    played(tmp_path, kept)


def test_a_successor_waits_while_a_frozen_predecessor_has_the_volume(
    tmp_path: Path, writer: subprocess.Popen[bytes]
) -> None:
    assert writer.stdout
    writer.stdout.readline()
    writer.send_signal(signal.SIGSTOP)

    async def life() -> None:
        store = SqliteStore(tmp_path, 10)
        starting = asyncio.create_task(store.start())
        done, _ = await asyncio.wait([starting], timeout=0.5)
        assert not done
        with pytest.raises(Unavailable):
            await store.read(ANN, "draft")
        assert "not open" in (await store.health())["volume"]
        writer.kill()
        await asyncio.wait_for(starting, 10)
        assert (await store.health()) == {"volume": "ok"}
        await store.stop()

    asyncio.run(life())


def test_a_change_that_cannot_begin_is_not_done_and_a_failed_commit_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Write("ann", "draft", "set", "w2", b"2")

    async def failing(store: SqliteStore) -> None:
        await signed_in(store)
        database = store._database
        for failing_text, error in (("BEGIN IMMEDIATE", Unavailable), ("COMMIT", OutcomeUnknown)):
            store._database = Failing(database, failing_text)  # type: ignore[assignment, arg-type]
            with pytest.raises(error):
                await store.write(ANN, write)
        store._database = database
        assert (await store.read(ANN, "draft")).ver == 1
        assert (await store.write(ANN, write)).ver == 2

    played(tmp_path, failing)


GIVING_UP = """
import asyncio, pathlib, resource, sys
from reference_app.model.model import Credentials, OutcomeUnknown, Unavailable, Write
from reference_app.stores.sqlite import SqliteStore

async def main():
    ann = Credentials("token", "ann")
    given_up = asyncio.Event()
    store = SqliteStore(pathlib.Path(sys.argv[1]), 60, give_up=lambda why: given_up.set())
    await store.start()
    await store.sign_in(ann, "in")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    if sys.argv[2] == "asked":
        try:
            await store.write(ann, Write("ann", "draft", "set", "w1", b"1"))
        except (OutcomeUnknown, Unavailable) as error:
            print(type(error).__name__, error)
    await asyncio.wait_for(given_up.wait(), 10)

asyncio.run(main())
"""


@pytest.mark.parametrize("when", ["asked", "idle"])
def test_a_disk_that_fails_makes_the_instance_give_up_asked_or_not(
    tmp_path: Path, when: str
) -> None:
    command = [sys.executable, "-c", GIVING_UP, str(tmp_path), when]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert ("OutcomeUnknown" in done.stdout) == (when == "asked"), done.stdout


def test_an_instance_that_gave_up_is_unhealthy_and_serves_nothing(tmp_path: Path) -> None:
    with running(SESSION_STORE="sqlite", VOLUME=str(tmp_path)) as app:
        user = User(app.send)
        user.sign_in()
        app.app.give_up("disk I/O error")
        assert user.call("GET", "/health").status == 503
        refused = user.put("/draft", 1)
        assert (refused.status, refused.json()["executed"]) == (503, False)


class Failing:
    """A database whose statement `text` ends in an I/O error."""

    def __init__(self, database: sqlite3.Connection, text: str) -> None:
        self._database, self._text = database, text

    def execute(self, text: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        if text == self._text:
            raise sqlite3.OperationalError("disk I/O error")
        return self._database.execute(text, values)

    @property
    def in_transaction(self) -> bool:
        return self._database.in_transaction


def test_it_needs_a_volume_that_is_there(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="VOLUME is not set, and SESSION_STORE=sqlite needs it"),
        running(SESSION_STORE="sqlite"),
    ):
        pass
    with (
        pytest.raises(SettingsError, match="VOLUME: '/nowhere' is no folder"),
        running(SESSION_STORE="sqlite", VOLUME="/nowhere"),
    ):
        pass


def test_commits_are_synchronous(tmp_path: Path) -> None:
    async def asked(store: SqliteStore) -> None:
        assert store._ask("PRAGMA synchronous") == (2,)  # FULL
        assert store._ask("PRAGMA journal_mode") == ("wal",)

    played(tmp_path, asked)
    with closing(sqlite3.connect(tmp_path / "state.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
