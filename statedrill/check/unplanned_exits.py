"""Processes that ended although no fault had taken them: read from the cluster's own events.

A part of the cluster that dies by itself says nothing about the pattern, so what was lost then is
not held against it; no more is the end of an instance that no fault took, because it did not answer
its health checks, or because fewer were needed and the pattern does not promise to survive that.
The application's own death is its own doing. Knows events only.
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
    """A process that ended by itself at `at_ns`; `of_application`: an instance or a worker.

    `remark` says what is wrong with that: even a planned end is no evidence against a pattern that
    does not promise to survive it.
    """

    name: str
    why: str
    at_ns: int
    of_application: bool
    remark: str = "which nobody had planned"


def exits_without_fault(events: Sequence[Event], survives: Sequence[str]) -> list[UnplannedExit]:
    """Every such exit before the end of the drill, in the order of the events.

    `survives` are the failure domains that the pattern promises to survive.
    """
    found: list[UnplannedExit] = []
    taken: set[str] = set()
    zones: set[str] = set()
    opened: set[str] = set()
    for event in events:
        if event["event"] == "phase" and event["phase"] == "end":
            break
        if event["event"] == "fault-begin":
            taken.update(event["targets"])
            zones.add(str(event.get("zone")))
            opened.add(event["fault"])
        if event["event"] == "fault-end":
            opened.discard(event["fault"])
        if event["event"] == "instance" and "why" in event:
            name, why = f"{event['role']}-{event['id']}", f"was replaced: {event['why']},"
            exit_ = UnplannedExit(name, why, event["t"], of_application=False)
            planned = event["id"] in taken or event.get("zone") in zones
            # While something else is broken, it may be a consequence: no excuse for a pattern that
            # promises to survive the loss of instances.
            found += [] if planned or (opened and "instance" in survives) else [exit_]
        if event["event"] == "scaling" and event["desired"] < event["was"]:
            why = f"scaled in from {event['was']} to {event['desired']}"
            remark = "and the pattern does not promise to survive a planned change"
            exit_ = UnplannedExit("the group", why, event["t"], of_application=False, remark=remark)
            found += [] if "deployment" in survives else [exit_]
        if event["event"] != "process" or event["state"] != "dead":
            continue
        name = event["name"]
        planned = name in taken or name.partition("-")[2] in taken or event["zone"] in zones
        if event["role"] in _CHILDREN or planned:
            continue
        why = event.get("why") or "died"
        found.append(UnplannedExit(name, why, event["t"], event["role"] in _APPLICATION))
    return found
