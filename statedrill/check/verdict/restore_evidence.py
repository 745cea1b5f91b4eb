"""What was backed up and what was restored from it: read from the drill's own events.

Knows events; knows no operation and no check.
"""

from __future__ import annotations

from statedrill.check.context import CheckContext
from statedrill.check.verdict.record import BackupEvidence, RestoreEvidence
from statedrill.history.store import History


def restores(history: History, context: CheckContext) -> list[RestoreEvidence]:
    """The key "restores" of the verdict: one entry per service that serves from its backup."""
    return [
        {
            "service": event["service"],
            "point_s": context.seconds(event["point"]),
            "position": event["position"],
            "ordered_s": context.seconds(event["began"]),
            "restored_s": context.seconds(event["t"]),
        }
        for event in history.events
        if event["event"] == "restore"
    ]


def backups(history: History, context: CheckContext) -> list[BackupEvidence]:
    """The key "backups" of the verdict, in the order in which they were complete."""
    return [
        {
            "service": event["service"],
            "what": event["what"],
            "position": event["position"],
            "begin_s": context.seconds(event["began"]),
            "end_s": context.seconds(event["t"]),
        }
        for event in history.events
        if event["event"] == "backup"
    ]
