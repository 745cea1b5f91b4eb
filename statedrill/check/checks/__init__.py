"""The table of checks: one file and one line each, in the order of precedence of their classes.

A violation that several checks see has the class of the first one. The definition of each check
stands in docs/definitions.md#findings under its name.
"""

from __future__ import annotations

from typing import Any

from statedrill.check.checks.base import Check
from statedrill.check.checks.duplicates import Duplicates
from statedrill.check.checks.leaks import Leaks
from statedrill.check.checks.linearizability import Linearizability
from statedrill.check.checks.log_order import LogOrder
from statedrill.check.checks.lost_sessions import LostSessions
from statedrill.check.checks.lost_writes import LostWrites
from statedrill.check.checks.monotonic_reads import MonotonicReads
from statedrill.check.checks.monotonic_writes import MonotonicWrites
from statedrill.check.checks.orders_once import OrdersOnce
from statedrill.check.checks.phantoms import Phantoms
from statedrill.check.checks.read_your_writes import ReadYourWrites
from statedrill.check.checks.rejected_visible import RejectedVisible
from statedrill.check.checks.resurrected import Resurrected
from statedrill.check.checks.resurrected_sessions import ResurrectedSessions
from statedrill.check.checks.stale_reads import StaleReads
from statedrill.check.checks.two_versions import TwoVersions
from statedrill.check.checks.versions import Versions
from statedrill.check.checks.writes_follow_reads import WritesFollowReads

CHECKS: list[Check[Any]] = [
    Leaks(),
    Phantoms(),
    RejectedVisible(),
    LostWrites(),
    LostSessions(),
    Duplicates(),
    OrdersOnce(),
    Resurrected(),
    ResurrectedSessions(),
    ReadYourWrites(),
    MonotonicReads(),
    WritesFollowReads(),
    MonotonicWrites(),
    StaleReads(),
    LogOrder(),
    Versions(),
    TwoVersions(),
    Linearizability(),
]
