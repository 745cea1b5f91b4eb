"""A write is acknowledged and never made."""

from __future__ import annotations

from reference_app.bugs.base import Bug
from reference_app.model.model import Credentials, Outcome, Write


class DropEveryNthWrite(Bug):
    """Acknowledges every nth write without making it."""

    name = "drop-every-nth-write"
    description = "every nth write is answered as done and thrown away"
    seen_in = "Elasticsearch 1.x during partitions; swallowed exceptions in asynchronous handlers"
    found_as = ("lost",)
    default_number = 10

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        if self.every_nth():
            self.log_injection("dropped", write.wid)
            return await self.fake_acknowledgement(credentials, write)
        return await self.inner.write(credentials, write)
