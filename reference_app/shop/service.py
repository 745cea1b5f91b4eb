"""The shop: sign-in, user state, orders and uploads, whatever store is behind them.

Knows which part of the state lives where; knows nothing of HTTP. Every method may raise
NotSignedIn or Unavailable (surely nothing changed) and, when it writes, Uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from reference_app.aws.object_storage import Blob, Blobs
from reference_app.model.model import (
    ORDERS,
    Accepted,
    Caller,
    ObjectGone,
    Session,
    Stamp,
    Unavailable,
    Versioned,
    Write,
)
from reference_app.postgres.objects import Records
from reference_app.shop.recommendations import Recommender
from reference_app.stores import SessionStore

UPLOAD = "upload:"


class Shop:
    """The clean shop. Without `records` there are no orders, without `blobs` no uploads."""

    def __init__(
        self,
        store: SessionStore,
        records: Records | None = None,
        blobs: Blobs | None = None,
        recommender: Recommender | None = None,
    ) -> None:
        self.store = store
        self._records = records
        self._blobs = blobs
        self._recommender = recommender or Recommender(None)

    async def sign_in(self, caller: Caller, wid: str) -> tuple[Caller, Session]:
        """Open a new server session of the caller's user."""
        return await self.store.sign_in(caller, wid)

    async def sign_out(self, caller: Caller, wid: str) -> Stamp:
        """End the server session."""
        return await self.store.sign_out(caller, wid)

    async def session(self, caller: Caller) -> Session:
        """The living server session."""
        return await self.store.session(caller)

    async def read(self, caller: Caller, name: str) -> Versioned:
        """One object: preferences, draft, cart, history, orders."""
        if name != ORDERS:
            return await self.store.read(caller, name)
        session = await self.store.session(caller)
        return await self._recorded().read(session.user, name)

    async def write(self, caller: Caller, write: Write) -> Stamp | Accepted:
        """Change one object. Orders are queued, too, where writes are queued."""
        if write.object != ORDERS or self.store.queues_writes:
            return await self.store.write(caller, write)
        await self.store.session(caller)
        return await self._recorded().apply(write)

    async def recommendations(self, caller: Caller) -> tuple[Versioned, bytes]:
        """The reading history and a JSON array of what to read next."""
        history = await self.store.read(caller, "history")
        return history, await self._recommender.articles(caller.user, history)

    async def put_upload(self, caller: Caller, name: str, blob: Blob) -> Stamp:
        """Store the object first, then the record that makes it visible."""
        await self.store.session(caller)
        await self.put_object(caller, name, blob)
        return await self.record_upload(caller, name, blob)

    async def put_object(self, caller: Caller, name: str, blob: Blob) -> None:
        """The object alone, under a key that no other attempt uses."""
        await self._stored().put(_key(caller.user, name, blob.wid), blob)

    async def record_upload(self, caller: Caller, name: str, blob: Blob) -> Stamp:
        """The record alone."""
        record = orjson.dumps({"key": _key(caller.user, name, blob.wid)})
        write = Write(caller.user, UPLOAD + name, "set", blob.wid, record)
        return await self._recorded().apply(write)

    async def get_upload(self, caller: Caller, name: str) -> tuple[Versioned, Blob | None]:
        """Record and object; never uploaded: an empty record and None. Raises ObjectGone."""
        session = await self.store.session(caller)
        record = await self._recorded().read(session.user, UPLOAD + name)
        if record.value is None:
            return record, None
        blob = await self._stored().get(orjson.loads(record.value)["key"])
        if blob is None:
            raise ObjectGone(record)
        return record, blob

    async def health(self) -> Mapping[str, str]:
        """Every dependency and its state: `ok`, or what is wrong."""
        states = dict(await self.store.health())
        if self._records:
            states["database"] = await self._records.health()
        if self._blobs:
            states["storage"] = await self._blobs.health()
        return states

    def _recorded(self) -> Records:
        if self._records is None:
            raise Unavailable("DATABASE_URL is not set: no orders and uploads here")
        return self._records

    def _stored(self) -> Blobs:
        if self._blobs is None:
            raise Unavailable("BUCKET is not set: no uploads here")
        return self._blobs


def _key(user: str, name: str, wid: str) -> str:
    return f"uploads/{user}/{name}/{wid}"
