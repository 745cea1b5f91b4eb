"""A write that was made is refused."""

from __future__ import annotations

from reference_app.bugs.base import Bug
from reference_app.model.model import Credentials, Outcome, Unavailable, Write


class ErrorAfterStoring(Bug):
    """Makes every nth write and then answers that it did not."""

    name = "error-after-storing"
    description = (
        "every nth write is stored, then refused with an error that promises nothing was changed"
    )
    seen_in = "an exception in an after-commit hook turned into a clean error page"
    found_as = ("rejected-visible",)
    default_number = 6

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        outcome = await self.inner.write(credentials, write)
        if self.every_nth():
            self.log_injection("stored-and-refused", write.wid)
            raise Unavailable("please try again later")
        return outcome
