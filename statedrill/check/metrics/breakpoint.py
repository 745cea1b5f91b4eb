"""The breaking point, where the profile searched it: what the load generator found, and when.

The generator decides what broke while the load rises (`load/profiles/breakpoint_search.py`); its
result is an event of the drill. Here it gets the phase in which that was: in a drill with a
failure, the failure may be what broke the load.
"""

from __future__ import annotations

from statedrill.check.metrics.record import Breakpoint
from statedrill.history.store import History


def breakpoint_found(history: History) -> Breakpoint | None:
    """The key "breakpoint" of the verdict; None where nothing was searched."""
    phase = None
    for event in history.events:
        if event["event"] == "load-ended":
            phase = event["phase"]
        if event["event"] == "breakpoint":
            return {
                "held": event["held"],
                "broke": event["broke"],
                "unit": event["unit"],
                "why": event["why"],
                "phase": None if event["broke"] is None else phase,
            }
    return None


def breakpoint_sentence(found: Breakpoint) -> str:
    """The result for a reader, without a full stop."""
    held, unit = found["held"], found["unit"]
    if found["broke"] is None:
        return f"Breaking point: not reached, {held:g} {unit} held"
    during = f" in the phase {found['phase']}" if found["phase"] else ""
    return f"Breaking point: {held:g} {unit} held, {found['broke']:g} broke{during}: {found['why']}"
