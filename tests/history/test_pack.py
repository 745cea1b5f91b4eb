"""The lines of all recorders become one history, or the damaged line is named."""

from __future__ import annotations

import os
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from statedrill.errors import HistoryError
from statedrill.history.event_log import EventLog
from statedrill.history.events import read_events
from statedrill.history.operation import ABSENT, ALIEN
from statedrill.history.recorder import COLUMNS, Recorder
from statedrill.history.store import History
from statedrill.vocabulary import Model, Phase
from tests.history.records import operation, recorder


def test_what_two_workers_recorded_is_read_as_one_history(tmp_path: Path) -> None:
    for worker in (0, 1):
        with Recorder(tmp_path, "r1", worker) as recording:
            if worker == 1:
                recording.code("object", "draft", Model.REGISTER)
            recording.code("op", "look")
            cart = recording.code("object", "cart", Model.SET)
            row = operation(worker, 100 - worker, object=cart, items=[3, 4] if worker else None)
            recording.record(row)
            recording.record(operation(worker, 200, object=cart, items=[], note="odd"))
    history = History.open(tmp_path)
    (part,) = history.parts()
    assert (history.rows, history.incomplete) == (4, ())
    cart_code = next(code for code, name in history.names.objects.items() if name == "cart")
    assert history.names.models[cart_code] is Model.SET
    assert set(part["object"]) == {cart_code}
    assert part["call"].tolist() == [99, 100, 200, 200]
    assert part.listed.tolist() == [True, False, True, True]
    assert part.values[part.offsets[0] : part.offsets[1]].tolist() == [3, 4]
    assert part.notes.to_pylist() == [None, None, "odd", "odd"]


def test_every_special_number_survives_the_round_trip(tmp_path: Path) -> None:
    with recorder(tmp_path) as recording:
        recording.record(operation(1, 1, read_wid=ABSENT, element=ALIEN, server_session=2, due=9))
    (part,) = History.open(tmp_path).parts()
    assert part["read_wid"][0] == ABSENT
    assert part["element"][0] == ALIEN
    assert (part["server_session"][0], part["due"][0]) == (2, 9)


def test_phases_are_stamped_by_the_time_of_the_call(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.emit("phase", phase="baseline")
    log.emit("phase", phase="fault")
    log.close()
    begin, fault = (event["t"] for event in read_events(tmp_path / "events.jsonl"))
    with recorder(tmp_path) as recording:
        for call in (begin - 1, begin, fault + 1):
            recording.record(operation(1, call))
    history = History.open(tmp_path)
    (part,) = history.parts()
    assert part["phase"].tolist() == [Phase.NONE, Phase.BASELINE, Phase.FAULT]
    assert [window[0] for window in history.windows()] == [Phase.BASELINE, Phase.FAULT]


def test_sessions_stay_whole_when_a_history_has_many_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statedrill.history.pack.ROWS_PER_PART", 50)
    with recorder(tmp_path) as recording:
        for call in range(400):
            recording.record(operation(call % 23, call))
    history = History.open(tmp_path)
    homes = [set(part["session"].tolist()) for part in history.parts()]
    assert len(homes) > 4
    assert sum(len(home) for home in homes) == 23
    assert all(np.all(np.diff(part["call"]) > 0) for part in history.parts())


def test_what_a_packing_that_was_killed_left_is_removed_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    with recorder(tmp_path) as recording:
        recording.record(operation(1, 1))
    with subprocess.Popen(["true"]) as ended:
        pass
    dead, alive = tmp_path / f"pack-{ended.pid}-x", tmp_path / f"pack-{os.getpid()}-x"
    old = tmp_path / "pack-h3k2"  # an earlier version did not say whose it is
    for spill in (dead, alive, old):
        spill.mkdir()
    assert History.open(tmp_path).rows == 1
    assert list(tmp_path.glob("pack-*")) == [alive]


def test_a_drill_stopped_before_its_load_began_has_an_empty_history(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.emit("interrupted", why="Ctrl-C")
    log.close()
    history = History.open(tmp_path)
    assert (history.rows, list(history.parts()), len(history.events)) == (0, [], 1)


def test_an_empty_folder_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no history here"):
        History.open(tmp_path)


def test_a_damaged_line_is_named_with_file_and_number(tmp_path: Path) -> None:
    with recorder(tmp_path) as recording:
        recording.record(operation(1, 1))
    path = tmp_path / "operations-0.jsonl"
    path.write_bytes(path.read_bytes().replace(b"[1,6", b"[1;6"))
    with pytest.raises(HistoryError, match=r"operations-0\.jsonl:4: not JSON"):
        History.open(tmp_path)


@pytest.mark.parametrize("line", ['[1,2,"x"]', "5", '{"table":"nothing","code":1}', '["a"]'])
def test_a_line_that_is_json_but_no_operation_is_damage(line: str, tmp_path: Path) -> None:
    with recorder(tmp_path) as fresh:
        fresh.record(operation(1, 10))
    path = tmp_path / "operations-0.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], line, lines[-1]]) + "\n")
    with pytest.raises(HistoryError, match=r"operations-0\.jsonl:5: the line is not what a"):
        History.open(tmp_path)


def row(**more: object) -> list[object]:
    """A row as a recorder writes it, with some of its values changed."""
    values = asdict(operation(1, 10)) | more
    return [values[column] for column in COLUMNS]


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (row(kind=99), "99 stands in the column 'kind', whose values are 0 to 7"),
        (row(outcome=4), "'outcome'"),
        (row(call=-1), "'call'"),
        (row(ret=2**62 + 1), "'ret'"),
        (row(object=7), "uses the number 7, but no line before it says what that names"),
        (row(op=2**31), "out of bounds for uint16"),
        (row(wid="x"), "invalid literal"),
        (row(items=[-1]), "negative value"),
        (row(note=5), "Expected bytes"),
        (row()[:-1], f"{len(COLUMNS) - 1} values for {len(COLUMNS)} columns"),
    ],
)  # fmt: skip
def test_a_value_that_no_recorder_writes_is_refused_with_its_line(
    tmp_path: Path, damaged: list[object], said: str
) -> None:
    with recorder(tmp_path) as fresh:
        fresh.record(operation(1, 10))
        fresh.record_row(tuple(damaged))
        fresh.record(operation(1, 20))
    with pytest.raises(HistoryError, match=rf"operations-0\.jsonl:5: .*({said})"):
        History.open(tmp_path)


def test_a_name_beyond_all_numbers_is_refused_at_once(tmp_path: Path) -> None:
    with recorder(tmp_path) as fresh:
        fresh.record(operation(1, 10))
    path = tmp_path / "operations-0.jsonl"
    path.write_text(path.read_text() + '{"table":"op","code":4294967296,"name":"x"}\n')
    with pytest.raises(HistoryError, match="4294967296 cannot stand for a name"):
        History.open(tmp_path)


@pytest.mark.parametrize("name", ["operations-0 (copy).jsonl", "operations-.jsonl"])
def test_a_copy_of_a_record_is_not_counted_twice(tmp_path: Path, name: str) -> None:
    with recorder(tmp_path) as recording:
        recording.record(operation(1, 1))
    copy = tmp_path / name
    copy.write_bytes((tmp_path / "operations-0.jsonl").read_bytes())
    with pytest.raises(HistoryError, match=r"not the record of a load process"):
        History.open(tmp_path)
    copy.unlink()
    assert History.open(tmp_path).rows == 1
