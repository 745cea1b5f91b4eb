"""The kinds of events: what is emitted is what is declared, and the other way round."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from statedrill.errors import HistoryError
from statedrill.history import events
from statedrill.history.event_log import EventLog
from statedrill.history.events import Event, read_events

ROOT = Path(events.__file__).parent.parent
KINDS = {
    get_args(get_type_hints(kind)["event"])[0]: set(get_type_hints(kind)) - {"t", "wall", "event"}
    for kind in get_args(events.Event)
}


def emitted() -> Iterator[tuple[str, set[str], bool]]:
    """(kind, its named fields, whether more are given by a dictionary) of every emitter."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            called: Any = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "attr", getattr(called, "id", ""))
            if name.strip("_") == "emit" and isinstance(node, ast.Call) and node.args:
                kind = node.args[0]
                assert isinstance(kind, ast.Constant), f"{path}:{node.lineno}"
                named = {each.arg for each in node.keywords if each.arg}
                yield str(kind.value), named, any(each.arg is None for each in node.keywords)


def test_every_event_that_is_emitted_is_declared_with_its_fields() -> None:
    for kind, fields, _ in emitted():
        assert fields <= KINDS[kind], kind


def test_every_declared_kind_of_event_is_emitted_by_somebody() -> None:
    assert {kind for kind, _, _ in emitted()} == set(KINDS)


def test_an_emitter_that_names_all_its_fields_gives_all_that_are_required() -> None:
    required = {
        get_args(get_type_hints(kind)["event"])[0]: kind.__required_keys__
        for kind in get_args(events.Event)
    }
    for kind, fields, more in emitted():
        optional = {"zone", "phrase", "why", "log_tail"}
        assert more or required[kind] - {"t", "wall", "event"} - optional <= fields, kind


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"wall": 1.0, "event": "phase", "phase": "warmup"}', ":1: t: missing"),
        ('{"t": "1", "wall": 1.0, "event": "phase", "phase": "warmup"}', "t: not an integer"),
        ('{"t": 1, "wall": 1.0, "event": ["phase"]}', "event: not a text"),
        ('{"t": 1, "wall": 1.0, "event": "fault-begin", "name": "flush"}', "fault: missing"),
        ('{"t": 1, "wall": 1.0, "event": "settled", "drained": 1, "queue_depth": 0}', "drained"),
    ],
)
def test_a_damaged_event_is_refused_with_its_place(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "events.jsonl").write_text(line + "\n")
    with pytest.raises(HistoryError, match=said):
        read_events(tmp_path / "events.jsonl")


def test_an_event_of_a_newer_version_is_read_as_it_is(tmp_path: Path) -> None:
    line = '{"t": 1, "wall": 1.0, "event": "of-tomorrow", "zone": "a"}'
    (tmp_path / "events.jsonl").write_text(line + "\n")
    assert read_events(tmp_path / "events.jsonl") == [json.loads(line)]


def test_a_full_disk_stops_nobody_who_emits_and_is_told_afterwards() -> None:
    log = EventLog(Path("/dev/full"))
    heard: list[Event] = []
    log.listen(heard.append)
    log.emit("phase", phase="baseline")
    log.emit("phase", phase="fault")
    log.close()
    assert [event["phase"] for event in heard] == ["baseline", "fault"]
    with pytest.raises(OSError, match="No space left on device"):
        log.raise_lost()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"t": -1, "wall": 1.0, "event": "phase", "phase": "fault"}', "t: no moment"),
        ('{"t": 1e30, "wall": 1.0, "event": "phase", "phase": "fault"}', "t: not an integer"),
        ('{"t": 1, "wall": 1.0, "event": "phase", "phase": "x"}', "phase: there is none"),
        ("[" * 100_000, "not a JSON object"),
    ],
)
def test_an_event_that_no_drill_emits_is_refused_with_its_line(
    tmp_path: Path, line: str, said: str
) -> None:
    good = '{"t": 1, "wall": 1.0, "event": "phase", "phase": "warmup"}'
    (tmp_path / "events.jsonl").write_text(f"{good}\n{line}\n{good}\n")
    with pytest.raises(HistoryError, match=rf"events\.jsonl:2: {said}"):
        read_events(tmp_path / "events.jsonl")
