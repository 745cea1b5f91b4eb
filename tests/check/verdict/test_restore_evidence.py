"""What the verdict says of backups and restores, from the events alone."""

from __future__ import annotations

from typing import Any

from statedrill.history.events import Event
from tests.check.drill_builder import events, plan, users, verdict
from tests.check.history_builder import MS, START


def at(second: float, event: str, **fields: Any) -> Event:
    found: Any = {"t": START + int(second * 1000) * MS, "wall": 0.0, "event": event, **fields}
    return found


def test_backups_and_restores_stand_in_the_verdict_with_their_times() -> None:
    saved = at(2, "backup", service="database", what="base backup", began=START + 1000 * MS,
               point=START + 2000 * MS, position="0/1")  # fmt: skip
    restored = at(18, "restore", service="database", began=START + 12_000 * MS,
                  point=START + 9_500 * MS, position="0/2")  # fmt: skip
    seen = verdict(users(), plan("data"), events=events("data", also=[saved, restored]))
    assert seen["backups"] == [
        {"service": "database", "what": "base backup", "position": "0/1", "begin_s": 1.0,
         "end_s": 2.0}
    ]  # fmt: skip
    assert seen["restores"] == [
        {"service": "database", "point_s": 9.5, "position": "0/2", "ordered_s": 12.0,
         "restored_s": 18.0}
    ]  # fmt: skip


def test_a_drill_without_any_has_neither() -> None:
    assert not {"backups", "restores"} & verdict(users(), plan("data")).keys()
