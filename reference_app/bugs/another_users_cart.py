"""A user is shown what belongs to another one."""

from __future__ import annotations

from reference_app.bugs.base import Bug
from reference_app.model.model import NEVER_WRITTEN, Credentials, Versioned
from reference_app.shop.service import ShopService


class AnotherUsersCart(Bug):
    """Answers every nth read of a cart with the cart that another user read last."""

    name = "another-users-cart"
    description = "every nth reading of the cart answers the cart that another user read before"
    seen_in = "Steam store, 25 December 2015; ChatGPT, 20 March 2023 (a shared redis connection)"
    found_as = ("leak",)
    default_number = 7

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._last: tuple[str, Versioned] = ("", NEVER_WRITTEN)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        own = await self.inner.read(credentials, name)
        if name != "cart":
            return own
        user, other = self._last
        if own.value:
            self._last = (credentials.user, own)
        self._calls += 1
        if self._calls >= self.number and other.value and user != credentials.user:
            self._calls = 0
            self.log_injection("showed-cart-of", user, credentials.user)
            return other
        return own
