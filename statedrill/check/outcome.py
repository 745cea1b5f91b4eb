"""The exit code of each outcome.

Knows no check: what is held, broken or unknown is decided elsewhere.
"""

from __future__ import annotations

from statedrill import errors
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN, VerdictOutcome, worst

# What each outcome means to a script.
_EXIT_CODES: dict[VerdictOutcome, int] = {
    BROKEN: errors.BROKEN,
    UNKNOWN: errors.UNKNOWN,
    HELD: errors.HELD,
}


def exit_code(*outcomes: VerdictOutcome) -> int:
    """The process's exit code for one or several verdicts: that of the outcome that wins."""
    return _EXIT_CODES[worst(outcomes)]
