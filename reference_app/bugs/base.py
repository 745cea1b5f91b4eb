"""What a bug is: a shop around another shop, which does one thing wrong, and its row of the table.

Knows no bug. Counters decide when a bug strikes, not chance, so the same requests in the same
order meet the same bug; counters are per process.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from reference_app.aws.object_storage import Blob
from reference_app.model.model import (
    Accepted,
    Credentials,
    Outcome,
    Receipt,
    Session,
    Versioned,
    Write,
)
from reference_app.shop.service import ShopService

logger = logging.getLogger(__name__)
ObjectKey = tuple[str, str]
"""User and name of the object."""


class Bug(ShopService):
    """A shop that asks the shop `inner`; a subclass overrides what it does wrong.

    `name`: in BUGS=. `description`, `seen_in`: what it does, and which real systems did it.
    `found_as`: the classes that a checker must find it as; more than one when the first effect
    that it sees depends on timing, the most typical first. `default_number`, `number_means`: the
    bug's number when BUGS= gives none, and what it is. `needs`: environment variables without
    which the bug cannot show.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    seen_in: ClassVar[str]
    found_as: ClassVar[tuple[str, ...]]
    default_number: ClassVar[int]
    number_means: ClassVar[str] = "n"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner.store)
        self.inner = inner
        self.number = number
        self._calls = 0

    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        return await self.inner.sign_in(credentials, wid)

    async def sign_out(self, credentials: Credentials, wid: str) -> Receipt:
        return await self.inner.sign_out(credentials, wid)

    async def session(self, credentials: Credentials) -> Session:
        return await self.inner.session(credentials)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        return await self.inner.read(credentials, name)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        return await self.inner.write(credentials, write)

    async def recommendations(self, credentials: Credentials) -> tuple[Versioned, bytes]:
        return await self.inner.recommendations(credentials)

    async def put_upload(self, credentials: Credentials, name: str, blob: Blob) -> Receipt:
        return await self.inner.put_upload(credentials, name, blob)

    async def record_upload(self, credentials: Credentials, name: str, blob: Blob) -> Receipt:
        return await self.inner.record_upload(credentials, name, blob)

    async def get_upload(
        self, credentials: Credentials, name: str
    ) -> tuple[Versioned, Blob | None]:
        return await self.inner.get_upload(credentials, name)

    async def stop(self) -> None:
        await self.inner.stop()

    async def health(self) -> Mapping[str, str]:
        return await self.inner.health()

    def log_injection(self, event: str, *subjects: object) -> None:
        """Log one wrong deed: what was done, and to which write, user or object.

        One line for each, `bug NAME: EVENT SUBJECT...`, so that what a checker finds can be
        compared with what was done.
        """
        logger.warning("bug %s: %s %s", self.name, event, " ".join(str(each) for each in subjects))

    def every_nth(self) -> bool:
        """True at every nth call, n being the bug's number."""
        self._calls += 1
        return self._calls % self.number == 0

    async def fake_acknowledgement(
        self, credentials: Credentials, write: Write, ahead: int = 0
    ) -> Outcome:
        """The acknowledgement of a write that was not made; `ahead` others wait before it."""
        if self.store.queues_writes:
            await self.inner.session(credentials)
            return Accepted(write.wid, {})
        before = await self.inner.read(credentials, write.object)
        return Receipt(before.ver + ahead + 1, write.wid)

    async def apply_again(
        self, credentials: Credentials, write: Write, outcome: Outcome | None = None
    ) -> Outcome:
        """Apply a write a second time, as one that neither write id nor key deduplicates.

        Where writes are queued, it follows the acknowledgement `outcome` of the first time.
        """
        if isinstance(outcome, Accepted):
            cookies = {**credentials.cookies, **outcome.cookies}
            credentials = replace(credentials, cookies=cookies)
        operation = "append" if write.operation == "order" else write.operation
        again = replace(write, operation=operation, apply_id=f"{write.wid}~again")
        second = await self.inner.write(credentials, again)
        self.log_injection("applied-again", write.wid)
        return second
