"""The three outcomes, their one order of precedence, and the exit code of each.

Knows no check: what is held, broken or unknown is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from statedrill import errors

SCHEMA = 1

HELD = "held"
BROKEN = "broken"
UNKNOWN = "unknown"

# The one order of precedence (first wins) and what each outcome means to a script.
_EXIT_CODES = {BROKEN: errors.BROKEN, UNKNOWN: errors.UNKNOWN, HELD: errors.HELD}


def worst(outcomes: Iterable[str]) -> str:
    """The outcome that wins: broken beats unknown beats held; none at all is unknown."""
    found = set(outcomes)
    return next((outcome for outcome in _EXIT_CODES if outcome in found), UNKNOWN)


def exit_code(verdict: Mapping[str, Any]) -> int:
    """The process's exit code for `verdict` (its key "outcome")."""
    return _EXIT_CODES[str(verdict["outcome"])]


def worst_exit_code(verdicts: Iterable[Mapping[str, Any]]) -> int:
    """The exit code of several drills: that of the outcome that wins."""
    return _EXIT_CODES[worst(str(verdict["outcome"]) for verdict in verdicts)]
