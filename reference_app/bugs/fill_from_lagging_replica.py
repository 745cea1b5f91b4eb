"""A cache is filled from a replica that lags, and keeps what it was given."""

from __future__ import annotations

from reference_app.bugs.base import Bug
from reference_app.model.model import ORDERS, Credentials, Outcome, Versioned, Write
from reference_app.stores.rds_cached import RdsCachedStore


class FillFromLaggingReplica(Bug):
    """Deletes the entry of what was written, and fills every nth empty one unchecked."""

    name = "fill-from-lagging-replica"
    description = "every nth fill of the cache puts a replica's row there, whatever its version is"
    seen_in = "cache-aside over read replicas: a deleted entry comes back with the row before it"
    found_as = ("read-your-writes", "stale", "monotonic-reads")
    default_number = 1
    needs = ("DATABASE_READER_URL",)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        outcome = await self.inner.write(credentials, write)
        if isinstance(self.store, RdsCachedStore):
            await self.store.cache.delete(write.user, write.object)
        return outcome

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        store, user = self.store, credentials.user
        if name == ORDERS or not isinstance(store, RdsCachedStore):
            return await self.inner.read(credentials, name)
        await self.inner.session(credentials)
        shown = await store.cache.get(user, name)
        if shown is None:
            if not self.every_nth():
                return await self.inner.read(credentials, name)
            shown = await store.replicas.read(user, name) or await store.primary.read(user, name)
            await store.cache.put(user, name, shown)
        now = await store.primary.read(user, name)
        if shown != now:
            self.log_injection("showed-old", user, name, shown.ver, now.ver)
        return shown
