"""A volume is attached to two instances, and each of them believes that it is the only one."""

from __future__ import annotations

from reference_app.bugs.base import Bug, ObjectKey
from reference_app.model.model import (
    ORDERS,
    Credentials,
    Outcome,
    Receipt,
    Versioned,
    Write,
    apply_write,
)
from reference_app.shop.service import ShopService


class MountVolumeTwice(Bug):
    """Every nth write goes through a second mount of the volume.

    Each mount has a cache of its own that it never reads again, and stores whole objects from it
    over what the other has stored meanwhile. Who locks a volume before opening it, and fences its
    predecessor before attaching it, has one mount.
    """

    name = "mount-volume-twice"
    description = (
        "the volume is mounted twice, and each mount stores whole objects of its own cache over "
        "what the other has stored; every nth write goes through the second one"
    )
    seen_in = "EBS Multi-Attach under file systems that are not cluster-aware (ext4, XFS)"
    found_as = ("lost", "monotonic-reads", "read-your-writes", "stale")
    default_number = 5

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._mounts: tuple[dict[ObjectKey, Versioned], ...] = ({}, {})

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        if write.object == ORDERS:  # it is not on the volume
            return await self.inner.write(credentials, write)
        cache, key = self._mounts[self.every_nth()], (write.user, write.object)
        now = await self.inner.read(credentials, write.object)
        known = cache.setdefault(key, now)
        value = apply_write(write, known).value or b""
        if known == now:
            outcome = await self.inner.write(credentials, write)
        else:
            whole = Write(write.user, write.object, "set", write.wid, value)
            outcome = await self.inner.write(credentials, whole)
        if isinstance(outcome, Receipt):
            cache[key] = Versioned(outcome.ver, write.wid, value)
            if known != now:
                places = (known.ver, outcome.ver, write.wid)
                self.log_injection("stored-over", write.user, write.object, *places)
        return outcome
