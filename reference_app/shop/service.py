"""The shop: sign-in, user state, orders and uploads, on top of any session store.

Knows which part of the state lives where; knows nothing of HTTP. Every method may raise
NotSignedIn or Unavailable (nothing changed) and, when it writes, OutcomeUnknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import orjson

from reference_app.aws.object_storage import Blob, ObjectStorage
from reference_app.model.model import (
    ORDERS,
    Credentials,
    ObjectGone,
    Outcome,
    Receipt,
    Session,
    Unavailable,
    Versioned,
    Write,
)
from reference_app.postgres.objects import ObjectTable
from reference_app.shop.recommendations import Recommender
from reference_app.stores.base import SessionStore

T = TypeVar("T")
UPLOAD = "upload:"
DATABASE, BUCKET = "DATABASE_URL", "BUCKET"


class ShopService:
    """The shop without bugs. Without `objects` there are no orders, without `storage` no uploads.

    `objects` holds orders and the records of uploads, `storage` the uploaded content.
    """

    def __init__(
        self,
        store: SessionStore,
        objects: ObjectTable | None = None,
        storage: ObjectStorage | None = None,
        recommender: Recommender | None = None,
    ) -> None:
        self.store = store
        self._objects = objects
        self._storage = storage
        self._recommender = recommender or Recommender(None)

    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        """Open a new server session of the user."""
        return await self.store.sign_in(credentials, wid)

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        """End the server session."""
        return await self.store.sign_out(credentials, wid)

    async def session(self, credentials: Credentials) -> Session:
        """The active server session."""
        return await self.store.session(credentials)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        """One object: preferences, draft, cart, history, orders."""
        if name != ORDERS:
            return await self.store.read(credentials, name)
        session = await self.store.session(credentials)
        return await _configured(self._objects, DATABASE).read(session.user, name)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        """Change one object. Where the store queues writes, it queues orders as well."""
        if write.object != ORDERS or self.store.queues_writes:
            return await self.store.write(credentials, write)
        await self.store.session(credentials)
        return await _configured(self._objects, DATABASE).apply(write)

    async def recommendations(self, credentials: Credentials) -> tuple[Versioned, bytes]:
        """The reading history and a JSON array of what to read next."""
        history = await self.store.read(credentials, "history")
        return history, await self._recommender.articles(credentials.user, history)

    async def put_upload(self, credentials: Credentials, name: str, blob: Blob) -> Receipt:
        """Store the content first, then the record that makes it visible."""
        await self.store.session(credentials)
        await _configured(self._storage, BUCKET).put(_key(credentials.user, name, blob.wid), blob)
        return await self.record_upload(credentials, name, blob)

    async def record_upload(self, credentials: Credentials, name: str, blob: Blob) -> Receipt:
        """Write the record alone; its key belongs to this attempt only."""
        record = orjson.dumps({"key": _key(credentials.user, name, blob.wid)})
        write = Write(credentials.user, UPLOAD + name, "set", blob.wid, record)
        return await _configured(self._objects, DATABASE).apply(write)

    async def get_upload(
        self, credentials: Credentials, name: str
    ) -> tuple[Versioned, Blob | None]:
        """Record and content; never uploaded: an empty record and None. Raises ObjectGone."""
        session = await self.store.session(credentials)
        record = await _configured(self._objects, DATABASE).read(session.user, UPLOAD + name)
        if record.value is None:
            return record, None
        blob = await _configured(self._storage, BUCKET).get(orjson.loads(record.value)["key"])
        if blob is None:
            raise ObjectGone(record)
        return record, blob

    async def stop(self) -> None:
        """The process ends, after its last request: nothing is kept here that must be saved."""

    async def health(self) -> Mapping[str, str]:
        """Every dependency and its state: `ok`, or what is wrong."""
        states = dict(await self.store.health())
        if self._objects:
            states["database"] = await self._objects.health()
        if self._storage:
            states["storage"] = await self._storage.health()
        return states


def _configured(part: T | None, variable: str) -> T:
    """A part that exists only when its variable is set. Raises Unavailable."""
    if part is None:
        raise Unavailable(f"{variable} is not set: no orders and uploads here")
    return part


def _key(user: str, name: str, wid: str) -> str:
    return f"uploads/{user}/{name}/{wid}"
