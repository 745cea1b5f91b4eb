"""Values from nowhere: ids that nobody sent, or sent later, or that had been rejected.

A phantom was never sent to this object by this session, or only after the read had returned. A
rejected write (outcome FAILED, or answered as the repetition of an earlier attempt) that a read
shows all the same is an anomaly of its own (rule R5).
"""

from __future__ import annotations

from statedrill.check.checks.marks import Marks
from statedrill.check.index.observations import Case


def phantoms(case: Case) -> Marks:
    """Reads that show what this session never wrote to this object."""
    return Marks(case.read | case.phantom, case.phantom)


def rejected_visible(case: Case) -> Marks:
    """Reads that show a write that the system had rejected."""
    return Marks(case.read, case.rejected)
