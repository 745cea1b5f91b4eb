"""Breakpoint: ten steps up until a threshold breaks; reports the last load that held.

The last step is what `-u` (or `--arrival-rate`) says, and `-t` is the time for all ten. The
thresholds are STATEDRILL_BREAK_P99_MS (500) and STATEDRILL_BREAK_ERRORS (0.01).
"""

from __future__ import annotations

from statedrill.load import BreakpointProfile


class Breakpoint(BreakpointProfile):
    """Nothing to add."""
