"""Was the promise kept? A recorded history and its plan in, the verdict out.

Pure: no files of its own, no sockets, no sleeping; `History` reads its parts. Each check is one
file and one row of the table below. Rows stand in the order of precedence of their classes: a
violation that several checks see has the class of the first one.

Sound, and incomplete where it must be: concurrent operations, losses that were overwritten before
anybody read, unknown writes that land late, and plain registers, which cannot show the order of
writes, prove nothing. Transactions across sessions are out of scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statedrill.check.checks.base import Check
from statedrill.check.checks.duplicates import duplicates, orders_once
from statedrill.check.checks.leaks import leaks
from statedrill.check.checks.linearizability import linearizability
from statedrill.check.checks.log_order import log_order
from statedrill.check.checks.lost_sessions import sessions
from statedrill.check.checks.lost_writes import lost_writes
from statedrill.check.checks.phantoms import phantoms, rejected_visible
from statedrill.check.checks.session_guarantees import (
    monotonic_reads,
    monotonic_writes,
    read_your_writes,
    writes_follow_reads,
)
from statedrill.check.checks.set_removals import resurrected
from statedrill.check.checks.stale_reads import stale_reads
from statedrill.check.checks.versions import two_versions, versions
from statedrill.check.outcome import exit_code, worst_exit_code
from statedrill.history.store import History

__all__ = ["CHECKS", "exit_code", "judge", "worst_exit_code"]

CHECKS = (
    Check("leaks", "leak", "reads", False, False, lambda look: leaks(look.case)),
    Check("phantoms", "phantom", "reads", False, False, lambda look: phantoms(look.case)),
    Check(
        "rejected-visible", "rejected-visible", "reads", False, False,
        lambda look: rejected_visible(look.case),
    ),
    Check(
        "lost-writes", "lost", "writes", True, False,
        lambda look: lost_writes(look.case, look.settings.drained),
    ),
    Check(
        "lost-sessions", "session-lost", "sessions", False, False,
        lambda look: sessions(look.case.frame, look.settings.ttl_ns),
    ),
    Check("duplicates", "duplicate", "writes", True, False, lambda look: duplicates(look.case)),
    Check("orders-once", "duplicate", "orders", True, False, lambda look: orders_once(look.case)),
    Check(
        "resurrected", "resurrected", "elements", True, True,
        lambda look: resurrected(look.case),
    ),
    Check(
        "read-your-writes", "read-your-writes", "reads", True, True,
        lambda look: read_your_writes(look.case, look.lanes),
    ),
    Check(
        "monotonic-reads", "monotonic-reads", "reads", True, True,
        lambda look: monotonic_reads(look.case, look.lanes),
    ),
    Check(
        "writes-follow-reads", "writes-follow-reads", "writes", True, True,
        lambda look: writes_follow_reads(look.case, look.lanes),
    ),
    Check(
        "monotonic-writes", "monotonic-writes", "writes", True, True,
        lambda look: monotonic_writes(look.case, look.lanes),
    ),
    Check("stale-reads", "stale", "reads", True, True, lambda look: stale_reads(look.case)),
    Check("log-order", "order-conflict", "reads", True, True, lambda look: log_order(look.case)),
    Check("versions", "order-conflict", "writes", True, True, lambda look: versions(look.case)),
    Check(
        "two-versions", "order-conflict", "writes", True, True,
        lambda look: two_versions(look.case),
    ),
    Check(
        "linearizability", "order-conflict", "objects", True, True,
        lambda look: linearizability(look.case),
    ),
)  # fmt: skip


def judge(history: History, plan: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict of a drill, as verdict.json has it.

    Raises:
        InputError: a threshold of the plan does not follow the grammar.
    """
    from statedrill.check.verdict.assemble import verdict_of  # noqa: PLC0415 - it imports this

    return verdict_of(history, plan)
