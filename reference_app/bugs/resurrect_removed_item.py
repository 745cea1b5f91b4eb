"""A removed item comes back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import orjson

from reference_app.bugs.base import Bug
from reference_app.model.model import Credentials, Outcome, Versioned, Write
from reference_app.shop.service import ShopService


class ResurrectRemovedItem(Bug):
    """Shows the last item removed from a cart again, at every nth read of that cart."""

    name = "resurrect-removed-item"
    description = "an item that was removed from the cart is back at every nth reading"
    seen_in = "the Dynamo shopping cart: merging divergent carts brings deleted items back"
    found_as = ("resurrected",)
    default_number = 2

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._removed: dict[str, bytes] = {}
        self._reads: defaultdict[str, int] = defaultdict(int)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        if write.operation in ("remove", "clear"):
            before = (await self.inner.read(credentials, write.object)).value or b""
            start = b'{"id":"' + write.data
            removed = [line for line in before.splitlines() if line.startswith(start)]
            if removed:
                self._removed[write.user] = removed[0]
        return await self.inner.write(credentials, write)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        one = await self.inner.read(credentials, name)
        removed = self._removed.get(credentials.user)
        if name != "cart" or removed is None:
            return one
        self._reads[credentials.user] += 1
        if self._reads[credentials.user] % self.number:
            return one
        self.log_injection("brought-back", orjson.loads(removed)["id"])
        lines = [line for line in (one.value or b"", removed) if line]
        return replace(one, value=b"\n".join(lines))
