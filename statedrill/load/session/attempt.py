"""What one attempt of one call carries, and what its response showed.

Plain tuples: they are made for every request. Knows no socket and no record.
"""

from __future__ import annotations

from typing import NamedTuple

from statedrill.history.operation import NO_VERSION, NOTHING
from statedrill.load.contract import CHECK_SESSION, READS, RECOMMENDATIONS, Call


class Attempt(NamedTuple):
    """One attempt: the call, the name that completes its object, the tail that completes its path.

    A write carries its id, the element it is about, the logical action and which attempt at that
    action this is, from 1 up.
    """

    call: Call
    name: str = ""
    tail: str = ""
    wid: int = 0
    element: int = 0
    logical: int = 0
    number: int = 0


# What a response showed of the object, as columns of the record: read_wid, ver, items,
# item_logicals. A bare tuple: a named one takes eight times as long to make.
Observed = tuple[int, int, list[int] | None, list[int] | None]
NOTHING_OBSERVED: Observed = (NOTHING, NO_VERSION, None, None)
READ_ATTEMPTS = {call: Attempt(call) for call in (*READS.values(), CHECK_SESSION, RECOMMENDATIONS)}
