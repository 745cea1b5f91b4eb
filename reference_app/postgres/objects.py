"""User state in PostgreSQL: orders and uploads in every deployment, everything when writes queue.

Knows the tables; knows nothing of HTTP or queues. All changes to a user's state happen under a
lock on the user's row, in one transaction with the memory of which write ids were applied, so a
write that is applied again (a retry, a redelivery) has the effect of once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reference_app.model.model import (
    NEVER_WRITTEN,
    ShopError,
    Stamp,
    Versioned,
    Write,
    applied,
    ordered_before,
)
from reference_app.model.ordering import Queued, ready
from reference_app.postgres.pool import Database

ObjectKey = tuple[str, str]
"""User and name of the object."""

LOCK = "SELECT name FROM users WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE"
READ = "SELECT ver, wid, value FROM objects WHERE user_name = $1 AND object = $2"
READ_MANY = """
SELECT o.user_name, o.object, o.ver, o.wid, o.value FROM objects o
JOIN unnest($1::text[], $2::text[]) AS k(u, o) ON o.user_name = k.u AND o.object = k.o"""
READ_APPLIED = """
SELECT a.user_name, a.apply_id, a.ver FROM applied_writes a
JOIN unnest($1::text[], $2::text[]) AS k(u, i) ON a.user_name = k.u AND a.apply_id = k.i"""
SAVE_OBJECTS = """
INSERT INTO objects SELECT * FROM unnest(
    $1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[])
ON CONFLICT (user_name, object) DO UPDATE
SET ver = excluded.ver, wid = excluded.wid, value = excluded.value"""
SAVE_APPLIED = (
    "INSERT INTO applied_writes SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])"
)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did with the writes it was given.

    `done` are applied (or were before), `held` came too early, `skipped` belong to users whose
    state another worker was changing just then.
    """

    done: list[Queued]
    held: list[Queued]
    skipped: list[Queued]


class Records:
    """Reads and writes of versioned objects in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, user: str, name: str) -> Versioned:
        """One object of one user. Raises Unavailable or Uncertain (a reading that failed)."""

        async def work(connection: Any) -> Versioned:
            return versioned(await connection.fetchrow(READ, user, name))

        return await self._database.run(work)

    async def health(self) -> str:
        """`ok`, or what is wrong."""

        async def work(connection: Any) -> None:
            await connection.fetchval("SELECT 1")

        try:
            await self._database.run(work)
        except ShopError as error:
            return str(error)
        return "ok"

    async def apply(self, write: Write) -> Stamp:
        """Apply one write now; idempotent. Raises Unavailable (nothing done) or Uncertain."""

        async def work(connection: Any) -> Stamp:
            await lock_user(connection, write.user)
            return await apply_locked(connection, write)

        return await self._database.transact(work)

    async def apply_in_order(
        self, queued: Sequence[Queued], overdue: frozenset[str] = frozenset()
    ) -> Round:
        """Apply what may be applied of `queued` (see ordering.ready), all in one transaction.

        Users whose row another worker holds are skipped, not waited for.
        Users are locked in the order of their names, so two workers cannot deadlock.
        """

        async def work(connection: Any) -> Round:
            users = await _lock_users(connection, {one.write.user for one in queued})
            mine = [one for one in queued if one.write.user in users]
            batch = _Batch(connection)
            known = await batch.load_applied(_names(mine))
            in_order = ready((one for one in mine if one.name not in known), known, overdue)
            await batch.load_objects(one.write for one in in_order)
            for one in in_order:
                batch.apply(one.write)
            await batch.save()
            done = {one.name for one in in_order} | known
            return Round(
                done=[one for one in mine if one.name in done],
                held=[one for one in mine if one.name not in done],
                skipped=[one for one in queued if one.write.user not in users],
            )

        return await self._database.transact(work)


async def lock_user(connection: Any, user: str) -> None:
    """Take the lock under which everything of this user changes; makes the user if need be."""
    if not await connection.fetch(LOCK, [user]):
        await connection.execute("INSERT INTO users VALUES ($1) ON CONFLICT DO NOTHING", user)
        await connection.fetch(LOCK, [user])


async def apply_locked(connection: Any, write: Write) -> Stamp:
    """Apply one write of a user whose lock is held."""
    batch = _Batch(connection)
    await batch.load_applied([_identity(write)])
    await batch.load_objects([write])
    stamp = batch.apply(write)
    await batch.save()
    return stamp


def versioned(row: Any) -> Versioned:
    """A row (ver, wid, value) as a value; no row or an outer join's empty one: never written."""
    if row is None or row["ver"] is None:
        return NEVER_WRITTEN
    return Versioned(row["ver"], row["wid"], row["value"].encode())


class _Batch:
    """The objects and write ids one transaction is about: loaded, changed in memory, saved."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._objects: dict[ObjectKey, Versioned] = {}
        self._applied: dict[tuple[str, str], int] = {}
        self._changed: set[ObjectKey] = set()
        self._newly_applied: dict[tuple[str, str], int] = {}

    async def load_applied(self, identities: Iterable[tuple[str, str]]) -> set[str]:
        """The names of those writes that were applied in earlier transactions."""
        rows = await self._connection.fetch(READ_APPLIED, *_columns(list(identities), 2))
        self._applied = {(row["user_name"], row["apply_id"]): row["ver"] for row in rows}
        return {f"{user}~{apply_id}" for user, apply_id in self._applied}

    async def load_objects(self, writes: Iterable[Write]) -> None:
        keys = list({(write.user, write.object) for write in writes})
        rows = await self._connection.fetch(READ_MANY, *_columns(keys, 2))
        self._objects = {(row["user_name"], row["object"]): versioned(row) for row in rows}

    def apply(self, write: Write) -> Stamp:
        identity = _identity(write)
        if identity in self._applied:
            return self._repeated(write, self._applied[identity])
        key = (write.user, write.object)
        before = self._objects.get(key, NEVER_WRITTEN)
        after = applied(write, before)
        stamp = Stamp(after.ver, write.wid)
        if after is before:
            stamp = ordered_before(before, write.key) or stamp
        else:
            self._objects[key] = after
            self._changed.add(key)
        self._applied[identity] = self._newly_applied[identity] = stamp.ver
        return stamp

    async def save(self) -> None:
        if self._changed:
            rows = [(*key, *_row(self._objects[key])) for key in sorted(self._changed)]
            await self._connection.execute(SAVE_OBJECTS, *_columns(rows, 5))
        if self._newly_applied:
            done = [(*identity, ver) for identity, ver in self._newly_applied.items()]
            await self._connection.execute(SAVE_APPLIED, *_columns(done, 3))

    def _repeated(self, write: Write, ver: int) -> Stamp:
        """The stamp of a write that was applied before; an order answers for its key."""
        orders = self._objects.get((write.user, write.object), NEVER_WRITTEN)
        first = ordered_before(orders, write.key) if write.operation == "order" else None
        return first or Stamp(ver, write.wid)


async def _lock_users(connection: Any, names: set[str]) -> set[str]:
    rows = await connection.fetch(LOCK + " SKIP LOCKED", sorted(names))
    locked = {row["name"] for row in rows}
    if locked != names:
        # Some are locked by another worker, or (rarely) not there at all: make those.
        await connection.execute(
            "INSERT INTO users SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
            sorted(names - locked),
        )
        rows = await connection.fetch(LOCK + " SKIP LOCKED", sorted(names - locked))
        locked |= {row["name"] for row in rows}
    return locked


def _names(queued: Iterable[Queued]) -> set[tuple[str, str]]:
    """User and id of every write that is queued here or that one of these must come after."""
    return {
        (one.write.user, each) for one in queued for each in (one.write.remembered_as, *one.after)
    }


def _identity(write: Write) -> tuple[str, str]:
    return write.user, write.remembered_as


def _row(one: Versioned) -> tuple[int, str | None, str]:
    return one.ver, one.wid, (one.value or b"").decode()


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as one list a column, the shape unnest() takes."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
