"""The record: what one operation is, which outcomes it can have, and what its numbers mean.

This module holds the vocabulary only and is light to import (the load generator uses it).
`recorder` writes while a drill runs, `events` records what the cluster did, `store` packs and
reads. Nothing here judges: that is the room `check`.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = 1

# The effective end of a write that may still take effect at any later time. The recorded `ret` is
# always the moment the client stopped waiting; `check` puts FOREVER where the outcome is UNKNOWN.
FOREVER = 2**62

# Write ids are numbers within their session, from 1 up; the top of the range is kept for what a
# read may show instead of an id of its own session.
INITIAL = 0  # the object was never written
NOTHING = 2**32 - 1  # no id was shown (a failed call, or a body without one)
ABSENT = 2**32 - 2  # the object's record is there, but its content is gone
ALIEN = 2**32 - 3  # an id that no write of this run has: a phantom
FOREIGN = 2**32 - 4  # an id of another session of this run: a leak
LAST_ID = 2**32 - 5

NO_VERSION = 2**32 - 1

# What a response says about the server session (column `server_session`); from 2 up it is the
# number of the distinct server session ids that this client has seen, in order of appearance.
NOT_SHOWN = 0
SIGNED_OUT = 1


@dataclass(slots=True)
class Operation:
    """One attempt of one call, as the client saw it. Times are CLOCK_MONOTONIC nanoseconds.

    `due` is the intended start under an arrival rate (0: none). `wid` is the id this attempt
    sent (0 for reads); `read_wid` the id that the answer showed: for reads the object's last
    write, for writes the id the server confirmed, which differs from `wid` when an earlier
    attempt of the same logical action had been applied. `items` are the ids of a set's elements
    or of a log's entries, in order; `item_logicals` beside it, for orders, the logical ids.
    """

    call: int
    ret: int
    session: int
    lane: int
    object: int
    op: int
    kind: int
    outcome: int
    wid: int = 0
    read_wid: int = NOTHING
    element: int = 0
    ver: int = NO_VERSION
    logical: int = 0
    attempt: int = 0
    instance: int = 0
    status: int = 0
    server_session: int = NOT_SHOWN
    due: int = 0
    items: list[int] | None = None
    item_logicals: list[int] | None = None
    note: str | None = None


def open_mark(worker: int) -> str:
    """The name of a file that stands in a record's folder while load process `worker`, on another
    machine, has not delivered everything: its last line alone does not prove that.
    """
    return f"operations-{worker}.open"


def write_id(run: str, session: int, number: int) -> str:
    """The text of a write id, sent as `X-Write-Id` (docs/definitions.md#r3)."""
    return f"{run}.{session}.{number}"


def read_id(text: object, run: str, session: int) -> int:
    """The number of a write id found in an answer to `session`.

    Returns INITIAL for None, FOREIGN for another session's id of this run, ALIEN for any other.
    """
    if text is None:
        return INITIAL
    parts = text.split(".") if isinstance(text, str) else []
    if len(parts) != 3 or parts[0] != run or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return ALIEN
    if int(parts[1]) != session:
        return FOREIGN
    number = int(parts[2])
    return number if 0 < number <= LAST_ID else ALIEN
