"""A retry is applied as a second write."""

from __future__ import annotations

from reference_app.bugs.base import Bug
from reference_app.model.model import Credentials, Outcome, Write


class RetryAppliedTwice(Bug):
    """Applies every nth write that adds something twice, under one write id."""

    name = "retry-applied-twice"
    description = "every nth write is applied twice, as if its retry had not been recognised"
    seen_in = "HTTP clients and proxies that resend a POST; carts with a doubled item"
    found_as = ("duplicate",)
    default_number = 5

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        outcome = await self.inner.write(credentials, write)
        if write.operation in ("append", "order") and self.every_nth():
            await self.apply_again(credentials, write, outcome)
        return outcome
