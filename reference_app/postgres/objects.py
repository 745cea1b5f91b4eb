"""User state in PostgreSQL: orders and uploads of every deployment, all state where writes queue.

Knows the tables of objects and applied writes; knows nothing of HTTP, sessions or queues. All
changes to a user's state happen under a lock on the user's row, in one transaction with the ids
of the writes that were applied, so a write that is applied again (a retry, a redelivery) has the
effect of once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reference_app.model.model import (
    NEVER_WRITTEN,
    Receipt,
    ShopError,
    Versioned,
    Write,
    apply_write,
    find_order,
)
from reference_app.model.ordering import QueuedWrite, ready_to_apply
from reference_app.postgres.pool import PostgresPool

ObjectKey = tuple[str, str]
"""User and name of the object."""
WriteKey = tuple[str, str]
"""User and deduplication id of a write."""

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
class BatchOutcome:
    """What became of the writes of one batch.

    `done` are applied (or were before), `held` wait for a predecessor, `skipped` belong to users
    whose state another worker was changing at that moment, `rejected` can never be applied.
    """

    done: list[QueuedWrite] = field(default_factory=list)
    held: list[QueuedWrite] = field(default_factory=list)
    skipped: list[QueuedWrite] = field(default_factory=list)
    rejected: list[QueuedWrite] = field(default_factory=list)

    def __add__(self, other: BatchOutcome) -> BatchOutcome:
        return BatchOutcome(
            self.done + other.done,
            self.held + other.held,
            self.skipped + other.skipped,
            self.rejected + other.rejected,
        )


class ObjectTable:
    """Reads and writes of versioned objects in PostgreSQL."""

    def __init__(self, database: PostgresPool) -> None:
        self._database = database

    async def read(self, user: str, name: str) -> Versioned:
        """One object of one user. Raises Unavailable or OutcomeUnknown (a read that failed)."""

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

    async def apply(self, write: Write) -> Receipt:
        """Apply one write now; idempotent. Raises Unavailable (nothing done) or OutcomeUnknown."""

        async def work(connection: Any) -> Receipt:
            await lock_user(connection, write.user)
            return await apply_locked(connection, write)

        return await self._database.transact(work)

    async def apply_in_order(
        self, queued: Sequence[QueuedWrite], overdue: frozenset[str] = frozenset()
    ) -> BatchOutcome:
        """Apply what may be applied of `queued` (see ready_to_apply), all in one transaction.

        Users whose row another worker holds are skipped, not waited for.
        Users are locked in the order of their names, so two workers cannot deadlock.
        """

        async def work(connection: Any) -> BatchOutcome:
            users = await _lock_users(connection, {each.write.user for each in queued})
            locked = [each for each in queued if each.write.user in users]
            batch = _Batch(connection)
            known = await batch.load_applied(_write_keys(locked))
            new = (each for each in locked if each.name not in known)
            in_order = ready_to_apply(new, known, overdue)
            await batch.load_objects(each.write for each in in_order)
            for each in in_order:
                batch.apply(each.write)
            await batch.save()
            done = {each.name for each in in_order} | known
            return BatchOutcome(
                done=[each for each in locked if each.name in done],
                held=[each for each in locked if each.name not in done],
                skipped=[each for each in queued if each.write.user not in users],
            )

        return await self._database.transact(work)


async def lock_user(connection: Any, user: str) -> None:
    """Take the lock under which all state of this user changes; creates the user if missing."""
    if not await connection.fetch(LOCK, [user]):
        await connection.execute("INSERT INTO users VALUES ($1) ON CONFLICT DO NOTHING", user)
        await connection.fetch(LOCK, [user])


async def apply_locked(connection: Any, write: Write) -> Receipt:
    """Apply one write of a user whose lock is held."""
    batch = _Batch(connection)
    await batch.load_applied([_write_key(write)])
    await batch.load_objects([write])
    receipt = batch.apply(write)
    await batch.save()
    return receipt


def versioned(row: Any) -> Versioned:
    """A row (ver, wid, value) as a value; no row, or the NULLs of an outer join: never written."""
    if row is None or row["ver"] is None:
        return NEVER_WRITTEN
    return Versioned(row["ver"], row["wid"], row["value"].encode())


class _Batch:
    """The objects and applied writes of one transaction: loaded, changed in memory, saved."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._objects: dict[ObjectKey, Versioned] = {}
        self._applied: dict[WriteKey, int] = {}
        self._changed: set[ObjectKey] = set()
        self._newly_applied: dict[WriteKey, int] = {}

    async def load_applied(self, keys: Iterable[WriteKey]) -> set[str]:
        """The names of those writes that were applied in earlier transactions."""
        rows = await self._connection.fetch(READ_APPLIED, *_columns(list(keys), 2))
        self._applied = {(row["user_name"], row["apply_id"]): row["ver"] for row in rows}
        return {f"{user}~{apply_id}" for user, apply_id in self._applied}

    async def load_objects(self, writes: Iterable[Write]) -> None:
        keys = list({(write.user, write.object) for write in writes})
        rows = await self._connection.fetch(READ_MANY, *_columns(keys, 2))
        self._objects = {(row["user_name"], row["object"]): versioned(row) for row in rows}

    def apply(self, write: Write) -> Receipt:
        key = _write_key(write)
        if key in self._applied:
            return self._receipt_of_repeat(write, self._applied[key])
        place = (write.user, write.object)
        before = self._objects.get(place, NEVER_WRITTEN)
        after = apply_write(write, before)
        receipt = Receipt(after.ver, write.wid)
        if after is before:
            receipt = find_order(before, write.key) or receipt
        else:
            self._objects[place] = after
            self._changed.add(place)
        self._applied[key] = self._newly_applied[key] = receipt.ver
        return receipt

    async def save(self) -> None:
        if self._changed:
            rows = [(*key, *_row(self._objects[key])) for key in sorted(self._changed)]
            await self._connection.execute(SAVE_OBJECTS, *_columns(rows, 5))
        if self._newly_applied:
            done = [(*key, ver) for key, ver in self._newly_applied.items()]
            await self._connection.execute(SAVE_APPLIED, *_columns(done, 3))

    def _receipt_of_repeat(self, write: Write, ver: int) -> Receipt:
        """The receipt of a write that was applied before; an order has that of its key."""
        orders = self._objects.get((write.user, write.object), NEVER_WRITTEN)
        first = find_order(orders, write.key) if write.operation == "order" else None
        return first or Receipt(ver, write.wid)


async def _lock_users(connection: Any, names: set[str]) -> set[str]:
    rows = await connection.fetch(LOCK + " SKIP LOCKED", sorted(names))
    locked = {row["name"] for row in rows}
    if locked != names:
        # Another worker holds some of them, or (rarely) they do not exist yet: create those.
        await connection.execute(
            "INSERT INTO users SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
            sorted(names - locked),
        )
        rows = await connection.fetch(LOCK + " SKIP LOCKED", sorted(names - locked))
        locked |= {row["name"] for row in rows}
    return locked


def _write_keys(queued: Iterable[QueuedWrite]) -> set[WriteKey]:
    """The keys of all queued writes and of their predecessors."""
    return {
        (each.write.user, wid)
        for each in queued
        for wid in (each.write.deduplication_id, *each.after)
    }


def _write_key(write: Write) -> WriteKey:
    return write.user, write.deduplication_id


def _row(one: Versioned) -> tuple[int, str | None, str]:
    return one.ver, one.wid, (one.value or b"").decode()


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as one list per column, the shape that unnest() takes."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
