"""A shop around another shop, to be changed in one place; changes nothing itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from reference_app.aws.object_storage import Blob
from reference_app.model.model import Accepted, Caller, Session, Stamp, Versioned, Write
from reference_app.shop.service import Shop

logger = logging.getLogger(__name__)
Outcome = Stamp | Accepted
ObjectKey = tuple[str, str]
"""User and name of the object."""


class Wrapper(Shop):
    """A shop that asks another one; `n` is the bug's number, `name` the bug's name."""

    name = ""

    def __init__(self, inner: Shop, n: int) -> None:
        super().__init__(inner.store)
        self.inner = inner
        self.n = n
        self._seen = 0

    async def sign_in(self, caller: Caller, wid: str) -> tuple[Caller, Session]:
        """As the inner shop does."""
        return await self.inner.sign_in(caller, wid)

    async def sign_out(self, caller: Caller, wid: str) -> Stamp:
        """As the inner shop does."""
        return await self.inner.sign_out(caller, wid)

    async def session(self, caller: Caller) -> Session:
        """As the inner shop does."""
        return await self.inner.session(caller)

    async def read(self, caller: Caller, name: str) -> Versioned:
        """As the inner shop does."""
        return await self.inner.read(caller, name)

    async def write(self, caller: Caller, write: Write) -> Outcome:
        """As the inner shop does."""
        return await self.inner.write(caller, write)

    async def recommendations(self, caller: Caller) -> tuple[Versioned, bytes]:
        """As the inner shop does."""
        return await self.inner.recommendations(caller)

    async def put_upload(self, caller: Caller, name: str, blob: Blob) -> Stamp:
        """As the inner shop does."""
        return await self.inner.put_upload(caller, name, blob)

    async def record_upload(self, caller: Caller, name: str, blob: Blob) -> Stamp:
        """As the inner shop does."""
        return await self.inner.record_upload(caller, name, blob)

    async def get_upload(self, caller: Caller, name: str) -> tuple[Versioned, Blob | None]:
        """As the inner shop does."""
        return await self.inner.get_upload(caller, name)

    async def health(self) -> Mapping[str, str]:
        """As the inner shop does."""
        return await self.inner.health()

    def confess(self, did: str, *about: object) -> None:
        """Log one wrong deed: what was done, and to which write, user or object.

        One line for each, `bug NAME: DID ABOUT...`, so that what a checker finds can be held
        against what was done.
        """
        logger.warning("bug %s: %s %s", self.name, did, " ".join(str(each) for each in about))

    def every_nth(self) -> bool:
        """True at every nth call."""
        self._seen += 1
        return self._seen % self.n == 0

    async def pretend(self, caller: Caller, write: Write, ahead: int = 0) -> Outcome:
        """The acknowledgement of a write that was not made, with `ahead` others before it."""
        if self.store.queues_writes:
            await self.inner.session(caller)
            return Accepted(write.wid, {})
        before = await self.inner.read(caller, write.object)
        return Stamp(before.ver + ahead + 1, write.wid)
