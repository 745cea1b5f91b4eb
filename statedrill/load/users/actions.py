"""What a user can do: one method per call of the application's contract.

A call waits for the user's turn, signs in again where the server no longer knows the user, and
tries again only where the scenario says so. Knows no Locust.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from statedrill.load.contract import (
    ADD,
    APPEND,
    CHECK_SESSION,
    CLEAR,
    ORDER,
    PUTS,
    READS,
    RECOMMENDATIONS,
    REMOVE,
    UPLOAD,
)
from statedrill.load.session.attempt import Attempt
from statedrill.load.session.session import Session
from statedrill.load.session.upload_content import upload_content

BodyFactory = Callable[[str], bytes]


class SignInAbandoned(Exception):
    """The user could not sign in, and leaves."""


class UserActions:
    """A user of the application; `session` is who they are.

    Writes return the text of the id that the server confirmed (of an added element: its id), and
    None for every attempt that failed or whose fate is unknown. Reads return the body, or None.
    `attempts` is how often a write is tried until it is confirmed: every attempt is recorded on
    its own, with a new write id and the same idempotency key.
    """

    session: Session
    sign_in_attempts = 0  # how often in a row the user tries to sign in (0: until it works)
    _calls_ahead_of_pace = 0  # calls made at once, whose turns are still to be spent

    def wait_turn(self) -> None:
        """Wait until this user's next operation is to start."""

    def sign_in(self) -> bool:
        """Sign in: a new server session for the same user."""
        self.wait_turn()
        return self.session.sign_in()

    def sign_out(self) -> bool:
        """Sign out; the next call signs in again."""
        self._ready()
        return self.session.sign_out()

    def session_check(self) -> bool:
        """Ask the server whose session this is; True when it says: this user's."""
        self._ready()
        body = self.session.read(CHECK_SESSION)
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
        return self.session.read(READS[thing])

    def recommendations(self) -> dict[str, Any] | None:
        """Read what the application recommends, computed from the reading history."""
        self._ready()
        return self.session.read(RECOMMENDATIONS)

    def put(self, thing: str, value: Any, attempts: int = 1) -> str | None:
        """Replace `preferences` or `draft`.

        An object gets a key `wid` with the write's id, so that reads can tell a value that is
        shown under the id of another one.
        """

        def body(wid: str) -> bytes:
            marked = {**value, "wid": wid} if isinstance(value, dict) else value
            return orjson.dumps({"value": marked})

        return self._write(Attempt(PUTS[thing]), body, attempts)

    def add(self, thing: str, sku: str, quantity: int = 1, attempts: int = 1) -> str | None:
        """Add an item to the `cart`; the response is the new element's id."""
        _only("cart", thing)
        body = orjson.dumps({"sku": sku, "quantity": quantity})
        return self._write(Attempt(ADD), lambda _: body, attempts)

    def remove(self, thing: str, element: str, attempts: int = 1) -> str | None:
        """Remove the element with this id from the `cart`."""
        _only("cart", thing)
        number = self.session.ids.number(element)
        return self._write(Attempt(REMOVE, tail=element, element=number), None, attempts)

    def clear(self, thing: str, attempts: int = 1) -> str | None:
        """Empty the `cart`."""
        _only("cart", thing)
        return self._write(Attempt(CLEAR), None, attempts)

    def append(self, thing: str, article: str, attempts: int = 1) -> str | None:
        """Append an article to the reading `history`."""
        _only("history", thing)
        body = orjson.dumps({"article": article})
        return self._write(Attempt(APPEND), lambda _: body, attempts)

    def order(self, items: list[dict[str, Any]], attempts: int = 1) -> str | None:
        """Order; every attempt carries the same idempotency key, so that it happens once."""
        body = orjson.dumps({"items": items})
        return self._write(Attempt(ORDER), lambda _: body, attempts)

    def upload(self, name: str, attempts: int = 1) -> str | None:
        """Upload a small picture, made from the write's id so that any reader can check it."""
        return self._write(Attempt(UPLOAD, name, name), upload_content, attempts)

    def download(self, name: str) -> bytes | None:
        """Read an upload back."""
        self._ready()
        return self.session.download(name)

    def _ready(self, at_once: bool = False) -> None:
        """Wait for the user's turn; sign in again first where the server has forgotten the user.

        Raises:
            SignInAbandoned: signing in failed `sign_in_attempts` times.
        """
        if at_once and self.session.signed_in:
            self._calls_ahead_of_pace += 1
            return
        for _ in range(self._calls_ahead_of_pace):
            self.wait_turn()
        self._calls_ahead_of_pace = 0
        self.wait_turn()
        failed = 0
        while not self.session.signed_in:
            if self.sign_in_attempts and failed == self.sign_in_attempts:
                raise SignInAbandoned
            self.session.sign_in()
            failed += 1
            self.wait_turn()

    def _write(self, action: Attempt, make: BodyFactory | None, attempts: int) -> str | None:
        """Try until it is confirmed, `attempts` times at most; `make` gives the body for an id."""
        session = self.session
        logical = session.logical()
        earlier: list[int] = []
        for number in range(1, attempts + 1):
            self._ready()
            wid = session.wid()
            element = wid if action.call is ADD else action.element
            attempt = Attempt(action.call, action.name, action.tail, wid, element, logical, number)
            body = None if make is None else make(session.ids.text(wid))
            confirmed = session.write(attempt, body, earlier)
            if confirmed is not None:
                return confirmed
            earlier.append(wid)
        return None


def _only(expected: str, thing: str) -> None:
    """Fail early: a scenario that names another object is wrong every time."""
    if thing != expected:
        raise ValueError(f"this works on '{expected}' only, not on '{thing}'")
