"""A write lands in another user's state."""

from __future__ import annotations

from dataclasses import replace

from reference_app.bugs.base import Bug
from reference_app.model.model import Credentials, Outcome, Write
from reference_app.shop.service import ShopService


class WriteIntoAnotherUsersState(Bug):
    """Applies every nth write to the state of the user who wrote before."""

    name = "write-into-another-users-state"
    description = "every nth write lands in the state of the user served before"
    seen_in = "request state kept in a global or a thread-local that a coroutine shares"
    found_as = ("leak",)
    default_number = 9

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._last_user = ""

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        before, self._last_user = self._last_user, write.user
        self._calls += 1
        if self._calls >= self.number and before not in ("", write.user):
            self._calls = 0
            self.log_injection("misplaced", write.wid, before)
            write = replace(write, user=before)
        return await self.inner.write(credentials, write)
