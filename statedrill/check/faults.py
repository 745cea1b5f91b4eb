"""What was broken, when, and whether it really happened: read from the cluster's own events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statedrill.check.settings import Settings
from statedrill.history.store import History


def faults(history: History, settings: Settings) -> list[dict[str, Any]]:
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
                "begin_s": settings.seconds(int(event["t"])),
                "end_s": None,
                "how": None,
                "proved": False,
                "proof": None,
            }
        elif event["event"] in ("fault-proof", "fault-end"):
            _note(found.get(str(event.get("fault"))), event, settings)
    return list(found.values())


def _note(entry: dict[str, Any] | None, event: Mapping[str, Any], settings: Settings) -> None:
    if entry is None:
        return
    if event["event"] == "fault-proof":
        entry["proved"] = bool(event.get("proved"))
        entry["proof"] = event.get("proof")
    else:
        entry["end_s"] = settings.seconds(int(event["t"]))
        entry["how"] = event.get("how")


def doubts(plan: Mapping[str, Any], listed: list[dict[str, Any]]) -> list[str]:
    """Why it is not known that the planned failure happened; empty when it is."""
    domain = (plan.get("experiment") or {}).get("domain")
    if domain is None:
        return []
    if not listed:
        return [f"the fault never happened: nothing of the domain '{domain}' was broken"]
    return [
        f"nothing proves that the fault {each['fault']} ({each['name']}) really happened"
        for each in listed
        if not each["proved"]
    ]
