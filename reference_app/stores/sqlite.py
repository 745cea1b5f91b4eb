"""Sessions and user state in SQLite on this instance's volume (EBS): it outlives the instance.

`SESSION_STORE=sqlite` needs VOLUME, the folder that the volume is mounted at. Knows one volume and
no other instance. A volume has one writer: the store locks it before it opens the database, and
waits while somebody else (a predecessor that hangs) holds the lock.

After an error of the disk the instance gives up: what reached the volume is known only when it is
opened again. Once a second the store writes, so that it notices without any request.

`synchronous=FULL`: with WAL, NORMAL may lose the last commits when the power fails
(sqlite.org/pragma.html#pragma_synchronous), which on EC2 is a host that fails.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from reference_app.environment import Environment
from reference_app.model.model import (
    NEVER_WRITTEN,
    SESSION,
    Credentials,
    NotSignedIn,
    OutcomeUnknown,
    Receipt,
    Session,
    Unavailable,
    Versioned,
    Write,
    apply_write,
)
from reference_app.outages import describe, retry_until_ready
from reference_app.stores.base import StoreKind, session_ttl_s

logger = logging.getLogger(__name__)
T = TypeVar("T")
_WATCH_S = 1.0
_DISK_ERRORS = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CORRUPT)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects
    (user TEXT, object TEXT, ver INT, wid TEXT, value BLOB, PRIMARY KEY (user, object))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS applied
    (user TEXT, id TEXT, ver INT, PRIMARY KEY (user, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions
    (id TEXT PRIMARY KEY, user TEXT, ver INT, wid TEXT, expires_s REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS expiring ON sessions (expires_s);
"""
_SPARE_LIFE = 1.05
"""A session is kept for this many TTLs, so that not every use has to write."""


class SqliteStore:
    """The session store of an instance with a volume; a session lives `ttl_s` at least after use.

    One thread has the database. Each change is one transaction with its check of the session.
    Expiries are in the volume's own time, which goes on from the last use on record whenever the
    volume is opened: no host's wall clock, which may be wrong, decides who is signed out.
    """

    queues_writes = False

    def __init__(
        self,
        volume: Path,
        ttl_s: float,
        clock: Callable[[], float] = time.monotonic,
        give_up: Callable[[str], None] = logger.error,
    ) -> None:
        self._volume, self._ttl_s, self._clock = volume, ttl_s, clock
        self._life_s = _SPARE_LIFE * ttl_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._give_up = give_up
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ahead_s = 0.0  # the volume's time, less that of `clock`
        self._lock: int | None = None
        self._database: sqlite3.Connection | None = None

    async def start(self) -> None:
        """Lock the volume, then open what is on it."""
        self._loop = asyncio.get_running_loop()

        async def lock() -> None:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

        fd = self._lock = os.open(self._volume / "in-use", os.O_RDWR | os.O_CREAT)
        await retry_until_ready(lock, f"the volume {self._volume}", (BlockingIOError,))
        await self._in_thread(self._open)
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Close the database, then give the volume up."""
        if self._watching:
            self._watching.cancel()
        if self._database:
            await self._in_thread(self._database.close)
            self._database = None
        self._thread.shutdown()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        """Open a new server session."""
        return credentials, await self._in_thread(partial(self._sign_in, credentials, wid))

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        """End the server session."""
        return await self._in_thread(partial(self._sign_out, credentials, wid))

    async def session(self, credentials: Credentials) -> Session:
        """The active server session."""
        return await self._in_thread(partial(self._active_session, credentials))

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        """One object of the user's state."""
        return await self._in_thread(partial(self._read, credentials, name))

    async def write(self, credentials: Credentials, write: Write) -> Receipt:
        """Change one object of the user's state."""
        return await self._in_thread(partial(self._write, credentials, write))

    async def health(self) -> Mapping[str, str]:
        """Whether the database can be read."""
        try:
            await self._in_thread(lambda: self._ask("SELECT count(*) FROM sqlite_schema"))
        except Unavailable as error:
            return {"volume": str(error)}
        return {"volume": "ok"}

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            with suppress(Unavailable, OutcomeUnknown):
                await self._in_thread(self._beat)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _open(self) -> None:
        self._database = sqlite3.connect(
            self._volume / "state.db", isolation_level=None, check_same_thread=False
        )
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(_SCHEMA)
        (latest_s,) = self._database.execute("SELECT max(expires_s) FROM sessions").fetchone()
        if latest_s is not None:
            self._ahead_s = latest_s - self._life_s - self._clock()
        self._database.execute("DELETE FROM sessions WHERE expires_s <= ?", (self._now_s(),))

    def _beat(self) -> None:
        with self._transaction():
            self._ask("PRAGMA user_version = 1")

    def _now_s(self) -> float:
        """The volume's time."""
        return self._clock() + self._ahead_s

    def _sign_in(self, credentials: Credentials, wid: str) -> Session:
        with self._transaction():
            receipt = self._apply(Write(credentials.user, SESSION, "set", wid))
            session = Session(credentials.session_id, credentials.user, receipt.ver, wid)
            row = (session.id, session.user, session.ver, wid, self._now_s() + self._life_s)
            self._ask("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)", *row)
        return session

    def _sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        with self._transaction():
            session = self._known_session(credentials)[0]
            self._ask("DELETE FROM sessions WHERE id = ?", session.id)
            return self._apply(Write(credentials.user, SESSION, "clear", wid))

    def _write(self, credentials: Credentials, write: Write) -> Receipt:
        with self._transaction():
            self._use_session(credentials)
            return self._apply(write)

    def _read(self, credentials: Credentials, name: str) -> Versioned:
        self._active_session(credentials)
        return self._object(credentials.user, name)

    def _active_session(self, credentials: Credentials) -> Session:
        session, expires_s = self._known_session(credentials)
        if self._is_due(expires_s):
            with self._transaction():
                self._use_session(credentials)
        return session

    def _known_session(self, credentials: Credentials) -> tuple[Session, float]:
        """The session that the cookie names, and when it expires."""
        text = "SELECT user, ver, wid, expires_s FROM sessions WHERE id = ?"
        user, ver, wid, expires_s = self._ask(text, credentials.session_id) or (None, 0, "", 0.0)
        if user != credentials.user or expires_s <= self._now_s():
            raise NotSignedIn("not signed in")
        return Session(credentials.session_id, user, ver, wid), expires_s

    def _use_session(self, credentials: Credentials) -> None:
        session, expires_s = self._known_session(credentials)
        if self._is_due(expires_s):
            until_s = self._now_s() + self._life_s
            self._ask("UPDATE sessions SET expires_s = ? WHERE id = ?", until_s, session.id)

    def _is_due(self, expires_s: float) -> bool:
        """Whether an expiry is to be moved."""
        return expires_s < self._now_s() + self._ttl_s

    def _apply(self, write: Write) -> Receipt:
        earlier = self._ask(
            "SELECT ver FROM applied WHERE user = ? AND id = ?", write.user, write.deduplication_id
        )
        if earlier:
            return Receipt(earlier[0], write.wid)
        after = apply_write(write, self._object(write.user, write.object))
        row = (write.user, write.object, after.ver, after.wid, after.value)
        self._ask("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", *row)
        applied = (write.user, write.deduplication_id, after.ver)
        self._ask("INSERT INTO applied VALUES (?, ?, ?)", *applied)
        return Receipt(after.ver, write.wid)

    def _object(self, user: str, name: str) -> Versioned:
        found = self._ask(
            "SELECT ver, wid, value FROM objects WHERE user = ? AND object = ?", user, name
        )
        return Versioned(*found) if found else NEVER_WRITTEN

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; an error of the commit itself leaves open whether it was done."""
        self._ask("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        try:
            self._ask("COMMIT")
        except Unavailable as error:
            self._roll_back()
            raise OutcomeUnknown(*error.args) from error

    def _roll_back(self) -> None:
        # An error may have ended the transaction already.
        if self._database and self._database.in_transaction:
            self._ask("ROLLBACK")

    def _ask(self, text: str, *values: object) -> tuple[Any, ...] | None:
        """The first row of what the database answers."""
        if self._database is None:
            raise Unavailable("the volume is not open")
        try:
            row: tuple[Any, ...] | None = self._database.execute(text, values).fetchone()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DISK_ERRORS and self._loop:
                self._loop.call_soon_threadsafe(self._give_up, describe(error))
            raise Unavailable(f"the volume: {describe(error)}") from error
        return row


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """The store's own settings."""

    volume: Path
    ttl_s: float

    @classmethod
    def read(cls, environment: Environment) -> SqliteSettings:
        """From VOLUME and SESSION_TTL_S."""

        def folder(text: str) -> Path:
            if not Path(text).is_dir():
                raise ValueError(f"{text!r} is no folder")
            return Path(text)

        return cls(environment.parsed("VOLUME", folder, Path()), session_ttl_s(environment))


SQLITE = StoreKind(
    "sqlite",
    ("VOLUME",),
    SqliteSettings.read,
    lambda settings, resources: SqliteStore(
        settings.volume, settings.ttl_s, give_up=resources.give_up
    ),
)
