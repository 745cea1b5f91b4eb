"""A redelivered message is consumed as a new one."""

from __future__ import annotations

from reference_app.bugs.base import Bug
from reference_app.model.model import ORDERS, Credentials, Outcome, Write


class OrderTwiceOnRedelivery(Bug):
    """Applies every nth order once more."""

    name = "order-twice-on-redelivery"
    description = "every nth order is applied once more, as if a redelivered message were a new one"
    seen_in = "consumers of at-least-once queues that are not idempotent: double charges"
    found_as = ("duplicate",)
    default_number = 2
    needs = ("DATABASE_URL",)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        outcome = await self.inner.write(credentials, write)
        if write.object == ORDERS and self.every_nth():
            await self.apply_again(credentials, write, outcome)
        return outcome
