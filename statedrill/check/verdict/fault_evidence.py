"""What was broken, when, and whether it really happened: read from the cluster's own events.

Also what broke that nobody asked for: a part of the cluster that dies by itself says nothing about
the pattern, so what was lost then is not held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statedrill.check.context import CheckContext
from statedrill.history.store import History


def faults(history: History, context: CheckContext) -> list[dict[str, Any]]:
    """The key "faults" of the verdict: one entry per fault-begin event."""
    found: dict[str, dict[str, Any]] = {}
    for event in history.events:
        if event["event"] == "fault-begin":
            found[str(event["fault"])] = {
                "fault": str(event["fault"]),
                "name": event.get("name"),
                "domain": event.get("domain"),
                "targets": list(event.get("targets") or ()),
                "zone": event.get("zone"),
                "begin_s": context.seconds(int(event["t"])),
                "end_s": None,
                "how": None,
                "proved": False,
                "proof": None,
            }
        elif event["event"] in ("fault-proof", "fault-end"):
            _note(found.get(str(event.get("fault"))), event, context)
    return list(found.values())


def _note(entry: dict[str, Any] | None, event: Mapping[str, Any], context: CheckContext) -> None:
    if entry is None:
        return
    if event["event"] == "fault-proof":
        entry["proved"] = bool(event.get("proved"))
        entry["proof"] = event.get("proof")
    else:
        entry["end_s"] = context.seconds(int(event["t"]))
        entry["how"] = event.get("how")


def doubts(plan: Mapping[str, Any], listed: list[dict[str, Any]], history: History) -> list[str]:
    """Why it is not known that the experiment went as planned; empty when it is."""
    domain = (plan.get("experiment") or {}).get("domain")
    failed = [
        f"the experiment failed: {_one_line(what)}"
        for event in history.events
        if event["event"] == "experiment"
        for what in event.get("failed") or ()
    ]
    if domain is None:
        return failed
    if not listed:
        return [f"the fault never happened: nothing of the domain '{domain}' was broken", *failed]
    return failed + [
        f"nothing proves that the fault {each['fault']} ({each['name']}) really happened"
        for each in listed
        if not each["proved"]
    ]


# Their end is a part of every drill; an application's or a worker's is its own doing.
_CHILDREN = ("load", "experiment", "audit")
_APPLICATION = ("instance", "worker")


def unplanned(history: History, context: CheckContext) -> tuple[list[str], list[str]]:
    """Sentences on what died though no fault took it: parts of the cluster, and the application's
    own processes.
    """
    parts: list[str] = []
    own: list[str] = []
    taken: set[str] = set()
    zones: set[str] = set()
    for event in history.events:
        if event["event"] == "phase" and event.get("phase") == "end":
            break
        if event["event"] == "fault-begin":
            taken.update(str(target) for target in event.get("targets") or ())
            zones.add(str(event.get("zone")))
        if event["event"] != "process" or event.get("state") != "dead":
            continue
        role, name = event.get("role"), str(event.get("name"))
        planned = name in taken or name.partition("-")[2] in taken or event.get("zone") in zones
        if role in _CHILDREN or planned:
            continue
        at_s = context.seconds(int(event["t"]))
        told = f"{name} {event.get('why') or 'died'} at {at_s:.1f} s, which nobody had planned"
        (own if role in _APPLICATION else parts).append(told)
    return parts, own


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:300]
