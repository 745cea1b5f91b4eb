"""What a response means (docs/definitions.md#r3 and #r4, and the HTTP contract).

Pure: bytes and numbers in, outcomes and ids out. Knows no socket, no user and no file.
"""

from __future__ import annotations

from typing import Any

import orjson

from statedrill.history.operation import ALIEN, INITIAL, LAST_ID, NO_VERSION, NOTHING, read_id
from statedrill.load.contract import Call
from statedrill.vocabulary import Outcome

OK, FAILED, UNKNOWN, ACCEPTED = (
    int(Outcome.OK),
    int(Outcome.FAILED),
    int(Outcome.UNKNOWN),
    int(Outcome.ACCEPTED),
)
STOPPED = "the user was stopped"  # the note of an attempt whose greenlet was killed
_NOTE_BYTES = 120
_LONGEST_ID = 100  # by the contract; no number in such an id is too long to be read


class WriteIds:
    """Writes and reads the ids of one session, in the text form that the application stores."""

    __slots__ = ("_key_prefix", "_prefix", "run", "session")

    def __init__(self, run: str, session: int) -> None:
        self.run = run
        self.session = session
        self._prefix = f"{run}.{session}."
        self._key_prefix = f"{run}.{session}.k"

    def text(self, number: int) -> str:
        """The text of this session's write number `number`."""
        return f"{self._prefix}{number}"

    def key(self, logical: int) -> str:
        """The idempotency key of this session's logical action `logical`."""
        return f"{self._key_prefix}{logical}"

    def number(self, text: object) -> int:
        """The number of a write id: own, INITIAL, FOREIGN or ALIEN."""
        if text is None:
            return INITIAL
        if type(text) is not str or len(text) > _LONGEST_ID:
            return ALIEN
        if text.startswith(self._prefix):
            try:
                number = int(text[len(self._prefix) :])
            except ValueError:
                return ALIEN
            return number if 0 < number <= LAST_ID else ALIEN
        return read_id(text, self.run, self.session)

    def logical(self, key: object) -> int:
        """The logical action of an idempotency key; NOTHING when it is not one of this session."""
        if type(key) is str and key.startswith(self._key_prefix):
            tail = key[len(self._key_prefix) :]
            if tail.isdecimal() and len(tail) <= 10 and int(tail) <= LAST_ID:
                return int(tail)
        return NOTHING


def parse(body: bytes) -> dict[str, Any] | None:
    """The JSON object in `body`, or None."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if type(value) is dict else None


def version(value: object) -> int:
    """A version as it is recorded; NO_VERSION for what is not one."""
    return value if type(value) is int and 0 <= value < NO_VERSION else NO_VERSION


def version_in(field: bytes | None) -> int:
    """The version in a header field."""
    if field is None or not field.isdigit() or len(field) > 10:
        return NO_VERSION
    return version(int(field))


def refusal(status: int, body: bytes, error: str, sent: bool) -> tuple[int, str]:
    """(outcome, note) of an attempt that was not confirmed.

    FAILED only where nothing was sent, or where a 4xx or 503 says `"executed": false`.
    """
    if not sent:
        return FAILED, error or "nothing was sent"
    if not status:
        return UNKNOWN, error
    if status == 503 or 400 <= status < 500:
        refused = parse(body)
        if refused is not None and refused.get("executed") is False:
            return FAILED, f"{status} {str(refused.get('error', ''))[:_NOTE_BYTES]}"
    return UNKNOWN, f"{status} {body[:_NOTE_BYTES].decode('utf-8', 'replace')}"


def listing(call: Call, body: dict[str, Any], ids: WriteIds) -> tuple[list[int], list[int] | None]:
    """(ids, logical ids of orders or None) of the list in a response.

    Raises:
        KeyError, TypeError: there is no such list.
    """
    entries = body[call.listed]
    key, number = call.listed_id, ids.number
    items = [number(entry[key]) for entry in entries]
    if key != "wid":
        return items, None
    return items, [ids.logical(entry.get("key")) for entry in entries]
