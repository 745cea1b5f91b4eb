"""What was broken, when, and whether it really happened: read from the drill's own events.

Also what died though no fault was aimed at it: a part of the cluster that dies by itself says
nothing about the pattern, so what was lost then is not held against it. Knows events; knows no
operation and no check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from statedrill.check.context import CheckContext
from statedrill.check.unplanned_exits import exits_without_fault
from statedrill.check.verdict.record import FaultEvidence
from statedrill.history.store import History


def faults(history: History, context: CheckContext) -> list[FaultEvidence]:
    """The key "faults" of the verdict: one entry per fault-begin event."""
    found: dict[str, FaultEvidence] = {}
    for event in history.events:
        if event["event"] == "fault-begin":
            found[event["fault"]] = {
                "fault": event["fault"],
                "name": event["name"],
                "domain": event["domain"],
                "targets": event["targets"],
                "zone": event.get("zone"),
                "begin_s": context.seconds(event["t"]),
                "end_s": None,
                "how": None,
                "proved": False,
                "proof": None,
            }
            if phrase := event.get("phrase"):
                found[event["fault"]]["phrase"] = phrase
        elif event["event"] == "fault-proof" and event["fault"] in found:
            found[event["fault"]]["proved"] = event["proved"]
            found[event["fault"]]["proof"] = event["proof"]
        elif event["event"] == "fault-end" and event["fault"] in found:
            found[event["fault"]]["end_s"] = context.seconds(event["t"])
            found[event["fault"]]["how"] = event["how"]
    return list(found.values())


def unconfirmed_failure(
    domain: str | None, faults: Sequence[FaultEvidence], history: History
) -> list[str]:
    """Why it is not known that the experiment went as planned; empty when it is.

    `domain` is the failure domain that the experiment is about, None for a control run.
    """
    failed = [
        f"the experiment failed: {' '.join(what.split())[:300]}"
        for event in history.events
        if event["event"] == "experiment"
        for what in event["failed"]
    ]
    if domain is None:
        return failed
    if not faults:
        return [f"the fault never happened: nothing of the domain '{domain}' was broken", *failed]
    return failed + [
        f"nothing proves that the fault {each['fault']} ({each['name']}) really happened"
        for each in faults
        if not each["proved"]
    ]


@dataclass(frozen=True)
class UnplannedExits:
    """Processes that ended though no fault took them: one sentence each, in the order of events.

    `cluster` are parts of the cluster, `application` the application's own processes: that they
    die is the application's doing, and no excuse for it.
    """

    cluster: tuple[str, ...]
    application: tuple[str, ...]


def unplanned_exits(
    history: History, context: CheckContext, survives: Sequence[str]
) -> UnplannedExits:
    """What died during the drill though no fault took it, or was ended against the promise."""
    cluster: list[str] = []
    application: list[str] = []
    for died in exits_without_fault(history.events, survives):
        at_s = context.seconds(died.at_ns)
        exits = application if died.of_application else cluster
        exits.append(f"{died.name} {died.why} at {at_s:.1f} s, {died.remark}")
    return UnplannedExits(tuple(cluster), tuple(application))
