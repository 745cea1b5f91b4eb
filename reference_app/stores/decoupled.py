"""Writes accepted into a topic and applied later by a worker; sessions and reads in PostgreSQL.

Knows the cookies that carry the order of writes, and the signature of a session cookie. The
database is not needed to accept a write: when it does not answer, the signature of the cookie
vouches for the caller. A signed-out cookie is therefore refused at once while the database is up,
and could still queue writes, until it expires, while the database is down.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from reference_app.aws.publisher import Topic
from reference_app.model.model import (
    NAME,
    SESSION,
    Accepted,
    Caller,
    NotSignedIn,
    Session,
    Stamp,
    Stream,
    Unavailable,
    Uncertain,
    Versioned,
    Write,
)
from reference_app.model.ordering import MOST_AFTER, Queued
from reference_app.postgres.objects import apply_locked, lock_user, versioned
from reference_app.postgres.pool import Database, Work
from reference_app.postgres.schema import session_secret

DATABASE_PATIENCE_S = 0.5
DATABASE_REST_S = 1.0
"""How long a write waits for the database to vouch for its session, and how long after a failure
it is not asked again."""

READ_SESSION = """
SELECT ver, wid, expires_at < now() + $3::interval / 2 AS renew FROM sessions
WHERE public = $1 AND user_name = $2 AND expires_at > now()"""
READ_OBJECT = """
SELECT s.expires_at < now() + $4::interval / 2 AS renew, o.ver, o.wid, o.value FROM sessions s
LEFT JOIN objects o ON o.user_name = s.user_name AND o.object = $3
WHERE s.public = $1 AND s.user_name = $2 AND s.expires_at > now()"""
RENEW = "UPDATE sessions SET expires_at = now() + $2 WHERE public = $1"
NEW_SESSION = """
INSERT INTO sessions VALUES ($1, $2, $3, $4, now() + $5) ON CONFLICT (public) DO NOTHING"""


class DecoupledStore:
    """The session store of a decoupled deployment; `ttl_s` slides with use."""

    queues_writes = True

    def __init__(
        self,
        database: Database,
        topic: Topic,
        ttl_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._topic = topic
        self._ttl = timedelta(seconds=ttl_s)
        self._clock = clock
        self._rest_until_s = 0.0
        self._secret = b""

    async def start(self) -> None:
        """Learn the secret all instances share, and wait for the topic."""
        self._secret = await self._database.run(session_secret)
        await self._topic.start()

    async def stop(self) -> None:
        """Nothing of its own to close."""

    async def sign_in(self, caller: Caller, wid: str) -> tuple[Caller, Session]:
        """Open a new server session. Its writes follow those of the last one, by their cookies."""
        signed = Caller(self._signed(caller.user), caller.user, caller.cookies)

        async def work(connection: Any) -> int:
            await lock_user(connection, caller.user)
            stamp = await apply_locked(connection, Write(caller.user, SESSION, "set", wid))
            await connection.execute(
                NEW_SESSION, signed.public, caller.user, stamp.ver, wid, self._ttl
            )
            return stamp.ver

        ver = await self._database.transact(work)
        return signed, Session(signed.public, caller.user, ver, wid)

    async def sign_out(self, caller: Caller, wid: str) -> Stamp:
        """End the server session; what it queued is still applied."""

        async def work(connection: Any) -> Stamp:
            await lock_user(connection, caller.user)
            ended = await connection.fetchval(
                "DELETE FROM sessions WHERE public = $1 AND user_name = $2 RETURNING public",
                caller.public,
                caller.user,
            )
            again = await connection.fetchval(
                "SELECT ver FROM applied_writes WHERE user_name = $1 AND apply_id = $2",
                caller.user,
                wid,
            )
            if ended is None and again is None:
                raise NotSignedIn("not signed in")
            return await apply_locked(connection, Write(caller.user, SESSION, "clear", wid))

        return await self._database.transact(work)

    async def session(self, caller: Caller) -> Session:
        """The living server session of this caller."""
        row = await self._living(caller, READ_SESSION, self._ttl)
        return Session(caller.public, caller.user, row["ver"], row["wid"])

    async def read(self, caller: Caller, name: str) -> Versioned:
        """One object of the caller's state, as far as the worker has come."""
        return versioned(await self._living(caller, READ_OBJECT, name, self._ttl))

    async def write(self, caller: Caller, write: Write) -> Accepted:
        """Accept a write: it is durable when this returns."""
        await self._admit(caller)
        seen = _seen(caller.cookies, write)
        queued = Queued(write, tuple(wid for wid in seen.values() if wid)[:MOST_AFTER])
        await self._topic.publish(queued.message(), write.stream)
        cookies = dict.fromkeys(seen, "")  # this write stands for all it came after
        cookies[_cookie(write)] = f"{write.wid}~{write.user}"
        return Accepted(write.wid, cookies)

    async def health(self) -> Mapping[str, str]:
        """Whether the topic answers."""
        return {"topic": await self._topic.health()}

    async def _living(self, caller: Caller, query: str, *arguments: Any) -> Any:
        row = await self._database.run(self._lookup(caller, query, *arguments))
        if row is None:
            raise NotSignedIn("not signed in")
        return row

    def _lookup(self, caller: Caller, query: str, *arguments: Any) -> Work[Any]:
        """The row of `query` for a living session, which is renewed when half its time is over."""

        async def work(connection: Any) -> Any:
            row = await connection.fetchrow(query, caller.public, caller.user, *arguments)
            if row is not None and row["renew"]:
                await connection.execute(RENEW, caller.public, self._ttl)
            return row

        return work

    async def _admit(self, caller: Caller) -> None:
        """Let the caller write. Raises NotSignedIn, or Unavailable when nobody can tell."""

        work = self._lookup(caller, READ_SESSION, self._ttl)
        if self._clock() >= self._rest_until_s:
            try:
                if await self._database.run_once(work, DATABASE_PATIENCE_S) is None:
                    raise NotSignedIn("not signed in")
                return
            except (Unavailable, Uncertain):
                self._rest_until_s = self._clock() + DATABASE_REST_S
        if not self._vouched(caller):
            raise Unavailable("the database does not answer and the session cannot be told")

    def _signed(self, user: str) -> str:
        body = f"{secrets.token_urlsafe(18)}.{int(time.time() + self._ttl.total_seconds())}"
        return f"{body}.{self._mac(body, user)}"

    def _vouched(self, caller: Caller) -> bool:
        body, _, mac = caller.token.rpartition(".")
        expires = body.rpartition(".")[2]
        genuine = hmac.compare_digest(mac.encode(), self._mac(body, caller.user).encode())
        return genuine and int(expires) > time.time()

    def _mac(self, body: str, user: str) -> str:
        return hmac.new(self._secret, f"{body}~{user}".encode(), hashlib.sha256).hexdigest()[:32]


def _cookie(write: Write) -> str:
    """A name for each write, so that two acknowledgements at once do not replace each other."""
    digest = hashlib.blake2b(write.wid.encode(), digest_size=6).hexdigest()
    return f"{_prefix(write.stream)}{digest}"


def _seen(cookies: Mapping[str, str], write: Write) -> dict[str, str]:
    """Cookie to write id: the acknowledged writes of this stream nothing acknowledged came after.

    Another user's, from an earlier sign-in on the same browser, have an empty write id.
    """
    found: dict[str, str] = {}
    for name, value in cookies.items():
        if name.startswith(_prefix(write.stream)):
            wid, _, user = value.partition("~")
            found[name] = wid if user == write.user and NAME.fullmatch(wid) else ""
    return found


def _prefix(stream: Stream) -> str:
    return f"after-{stream}-"
