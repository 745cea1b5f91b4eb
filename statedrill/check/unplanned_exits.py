"""Processes that ended although no fault had taken them: read from the cluster's own events.

A part of the cluster that dies by itself says nothing about the pattern, so what was lost then is
not held against it. The application's own death is its own doing. Knows events only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from statedrill.history.events import Event

# Their end is a part of every drill.
_CHILDREN = ("load", "experiment", "audit")
_APPLICATION = ("instance", "worker")


@dataclass(frozen=True)
class UnplannedExit:
    """A process that ended by itself at `at_ns`; `of_application`: an instance or a worker."""

    name: str
    why: str
    at_ns: int
    of_application: bool


def exits_without_fault(events: Sequence[Event]) -> list[UnplannedExit]:
    """Every such exit before the end of the drill, in the order of the events."""
    found: list[UnplannedExit] = []
    taken: set[str] = set()
    zones: set[str] = set()
    for event in events:
        if event["event"] == "phase" and event["phase"] == "end":
            break
        if event["event"] == "fault-begin":
            taken.update(event["targets"])
            zones.add(str(event.get("zone")))
        if event["event"] != "process" or event["state"] != "dead":
            continue
        name = event["name"]
        planned = name in taken or name.partition("-")[2] in taken or event["zone"] in zones
        if event["role"] in _CHILDREN or planned:
            continue
        why = event.get("why") or "died"
        found.append(UnplannedExit(name, why, event["t"], event["role"] in _APPLICATION))
    return found
