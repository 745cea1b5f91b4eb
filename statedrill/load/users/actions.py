"""What a user can do: one method per call of the application's contract.

A call waits for the user's turn, signs in again where the server no longer knows the user, and
tries again only where the scenario says so. Knows no Locust: the audit is a visitor, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from statedrill.load import contract
from statedrill.load.session.attempt import Try
from statedrill.load.session.session import Session
from statedrill.load.session.upload_content import picture

Make = Callable[[str], bytes]


class GaveUp(Exception):
    """The user could not sign in, and goes away."""


class Visitor:
    """A user of the application; `session` is who they are.

    Writes return the text of the id that the server confirmed (of an added element: its id), and
    None for every attempt that failed or whose fate is unknown. Reads return the body, or None.
    `attempts` is how often a write is tried until it is confirmed: every attempt is recorded on
    its own, with a new write id and the same idempotency key.
    """

    session: Session
    patience = 0  # how often in a row the user tries to sign in (0: until it works)
    _ahead = 0  # calls made at once, before their turn

    def turn(self) -> None:
        """Wait until this user's next operation is to start."""

    def sign_in(self) -> bool:
        """Sign in: a new server session for the same user."""
        self.turn()
        return self.session.sign_in()

    def sign_out(self) -> bool:
        """Sign out; the next call signs in again."""
        self._ready()
        return self.session.sign_out()

    def session_check(self) -> bool:
        """Ask the server who one is; True when it says: still oneself."""
        self._ready()
        body = self.session.read(contract.CHECK_SESSION)
        return body is not None and body.get("user") == self.session.user

    def come_back(self) -> bool:
        """Leave, and return on a new connection with the same cookies; True: still signed in.

        The time away is the time until the user's next turn.
        """
        self.session.client.drop()
        return self.session_check()

    def read(self, thing: str, at_once: bool = False) -> dict[str, Any] | None:
        """Read `preferences`, `draft`, `cart`, `history` or `orders`.

        `at_once` does not wait for the user's turn, as a browser that follows the redirect after
        a form was sent; the turn is spent afterwards, so that the rate stays as planned.
        """
        self._ready(at_once)
        return self.session.read(contract.READS[thing])

    def recommendations(self) -> dict[str, Any] | None:
        """Read what the application recommends, computed from the reading history."""
        self._ready()
        return self.session.read(contract.RECOMMENDATIONS)

    def put(self, thing: str, value: Any, attempts: int = 1) -> str | None:
        """Replace `preferences` or `draft`.

        An object gets a key `wid` with the write's id, so that reads can tell a value that is
        shown under the id of another one.
        """

        def body(wid: str) -> bytes:
            marked = {**value, "wid": wid} if isinstance(value, dict) else value
            return orjson.dumps({"value": marked})

        return self._write(Try(contract.PUTS[thing]), body, attempts)

    def add(self, thing: str, sku: str, quantity: int = 1, attempts: int = 1) -> str | None:
        """Add an item to the `cart`; the answer is the new element's id."""
        _only("cart", thing)
        body = orjson.dumps({"sku": sku, "quantity": quantity})
        return self._write(Try(contract.ADD), lambda _: body, attempts)

    def remove(self, thing: str, element: str, attempts: int = 1) -> str | None:
        """Remove the element with this id from the `cart`."""
        _only("cart", thing)
        number = self.session.ids.number(element)
        return self._write(Try(contract.REMOVE, tail=element, element=number), None, attempts)

    def clear(self, thing: str, attempts: int = 1) -> str | None:
        """Empty the `cart`."""
        _only("cart", thing)
        return self._write(Try(contract.CLEAR), None, attempts)

    def append(self, thing: str, article: str, attempts: int = 1) -> str | None:
        """Append an article to the reading `history`."""
        _only("history", thing)
        body = orjson.dumps({"article": article})
        return self._write(Try(contract.APPEND), lambda _: body, attempts)

    def order(self, items: list[dict[str, Any]], attempts: int = 1) -> str | None:
        """Order; every attempt carries the same idempotency key, so that it happens once."""
        body = orjson.dumps({"items": items})
        return self._write(Try(contract.ORDER), lambda _: body, attempts)

    def upload(self, name: str, attempts: int = 1) -> str | None:
        """Upload a small picture, made from the write's id so that any reader can check it."""
        return self._write(Try(contract.UPLOAD, name, name), picture, attempts)

    def download(self, name: str) -> bytes | None:
        """Read an upload back."""
        self._ready()
        return self.session.download(name)

    def _ready(self, at_once: bool = False) -> None:
        """The user's turn, signed in: whom the server has forgotten signs in again first.

        Raises:
            GaveUp: signing in failed as often as the user's patience allows.
        """
        if at_once and self.session.signed_in:
            self._ahead += 1
            return
        for _ in range(self._ahead):
            self.turn()
        self._ahead = 0
        self.turn()
        tries = 0
        while not self.session.signed_in:
            if self.patience and tries == self.patience:
                raise GaveUp
            self.session.sign_in()
            tries += 1
            self.turn()

    def _write(self, what: Try, make: Make | None, attempts: int) -> str | None:
        """Try until it is confirmed, at most `attempts` times; `make` gives the body for an id."""
        session = self.session
        logical = session.logical()
        earlier: list[int] = []
        for attempt in range(1, attempts + 1):
            self._ready()
            wid = session.wid()
            element = wid if what.call is contract.ADD else what.element
            tried = Try(what.call, what.name, what.tail, wid, element, logical, attempt)
            body = None if make is None else make(session.ids.text(wid))
            confirmed = session.write(tried, body, earlier)
            if confirmed is not None:
                return confirmed
            earlier.append(wid)
        return None


def _only(expected: str, thing: str) -> None:
    """Fail early: a scenario that names another object is wrong, and would be wrong every time."""
    if thing != expected:
        raise ValueError(f"this works on '{expected}' only, not on '{thing}'")
