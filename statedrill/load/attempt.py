"""What one attempt of one call carries, and what its answer showed.

Plain tuples: they are made for every request. Knows no socket and no record.
"""

from __future__ import annotations

from typing import NamedTuple

from statedrill.history import NO_VERSION, NOTHING
from statedrill.load.contract import CHECK_SESSION, READS, RECOMMENDATIONS, Call


class Try(NamedTuple):
    """One attempt: the call, the name that completes its object, the tail that completes its path.

    A write carries its id, the element it is about, the logical action and which try this is.
    """

    call: Call
    name: str = ""
    tail: str = ""
    wid: int = 0
    element: int = 0
    logical: int = 0
    attempt: int = 0


class Seen(NamedTuple):
    """What an answer showed of the object: columns of the record."""

    read_wid: int = NOTHING
    ver: int = NO_VERSION
    items: list[int] | None = None
    logicals: list[int] | None = None


NOTHING_SEEN = Seen()
READ_TRIES = {call: Try(call) for call in (*READS.values(), CHECK_SESSION, RECOMMENDATIONS)}
