"""The retry of a write whose answer was lost does not say that it is a retry."""

from __future__ import annotations

from reference_app.bugs.base import Bug
from reference_app.model.model import Credentials, Outcome, OutcomeUnknown, Write


class RetryWithNewId(Bug):
    """Sends a write again under another id when it does not learn what became of it."""

    name = "retry-with-new-id"
    description = "a write whose answer was lost is sent once more under a new deduplication id"
    seen_in = "clients that make a new idempotency key for each attempt: double charges"
    found_as = ("duplicate",)
    default_number = 1
    number_means = "retries"

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        try:
            return await self.inner.write(credentials, write)
        except OutcomeUnknown:
            self.log_injection("retried", write.wid)
            return await self.apply_again(credentials, write)
