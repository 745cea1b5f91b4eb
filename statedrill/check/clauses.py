"""The clauses of a promise that checks decide, in the order of the verdict. Knows no check."""

from __future__ import annotations

from enum import Enum

from statedrill.vocabulary import GUARANTEES


class Clause(Enum):
    """A clause; its value is the text in verdict.json (of `SURVIVES`, the word before the
    failure domain).
    """

    SURVIVES = "survives"
    READ_YOUR_WRITES = GUARANTEES["read_your_writes"]
    MONOTONIC_READS = GUARANTEES["monotonic_reads"]
    MONOTONIC_WRITES = GUARANTEES["monotonic_writes"]
    WRITES_FOLLOW_READS = GUARANTEES["writes_follow_reads"]
    ORDERS_ONCE = "orders happen once"
    NO_LEAK = "no session sees another's state"
    NOTHING_MADE_UP = "nothing is made up or done twice"


RESTORES = "restores what is older than"
"""How the clause on a restore begins; the age follows."""
