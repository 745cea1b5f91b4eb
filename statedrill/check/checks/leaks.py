"""Leaks: an answer shows the id of a write that another session made. Zero tolerance.

A leaked answer is never fed into any aggregate.
"""

from __future__ import annotations

from statedrill.check.checks.marks import Marks
from statedrill.check.index.observations import Case
from statedrill.vocabulary import Outcome


def leaks(case: Case) -> Marks:
    """Answers that show another session's write; opportunities are the answers that show any."""
    answered = case.read | (case.frame.outcome == Outcome.OK)
    return Marks(answered | case.leak, case.leak)
