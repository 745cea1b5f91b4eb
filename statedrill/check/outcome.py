"""The exit code of each outcome.

Knows no check: what is held, broken or unknown is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from statedrill import errors
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN, worst

SCHEMA = 1

# What each outcome means to a script.
_EXIT_CODES = {BROKEN: errors.BROKEN, UNKNOWN: errors.UNKNOWN, HELD: errors.HELD}


def exit_code(verdict: Mapping[str, Any]) -> int:
    """The process's exit code for `verdict` (its key "outcome")."""
    return _EXIT_CODES[str(verdict["outcome"])]


def worst_exit_code(verdicts: Iterable[Mapping[str, Any]]) -> int:
    """The exit code of several drills: that of the outcome that wins."""
    return _EXIT_CODES[worst(str(verdict["outcome"]) for verdict in verdicts)]
