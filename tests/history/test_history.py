"""The record: what is written is what is read, whatever happened in between."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from statedrill.errors import HistoryError
from statedrill.history.events import Event, EventLog, read_lines
from statedrill.history.operation import (
    ABSENT,
    ALIEN,
    FOREIGN,
    INITIAL,
    Operation,
    read_id,
    write_id,
)
from statedrill.history.recorder import Recorder
from statedrill.history.store import History, _flat
from statedrill.vocabulary import Kind, Model, Outcome, Phase


def recorder(folder: Path, worker: int = 0) -> Recorder:
    """A recorder that has named object 1, operation 1."""
    fresh = Recorder(folder, "r1", worker)
    fresh.code("object", "preferences", Model.REGISTER)
    fresh.code("op", "look")
    return fresh


def operation(session: int, call: int, **more: object) -> Operation:
    facts = {"object": 1, "op": 1, "kind": Kind.READ, "outcome": Outcome.OK, "lane": 0, **more}
    return Operation(call=call, ret=call + 5, session=session, **facts)  # type: ignore[arg-type]


def test_a_write_id_comes_back_as_the_number_it_was_made_from() -> None:
    assert read_id(write_id("r1", 7, 3), "r1", 7) == 3
    assert read_id(None, "r1", 7) == INITIAL
    assert read_id(write_id("r1", 8, 3), "r1", 7) == FOREIGN
    assert read_id(write_id("r0", 7, 3), "r1", 7) == ALIEN
    assert [read_id(text, "r1", 7) for text in ("", "r1.7", "r1.7.x", "r1.7.0", 5)] == [ALIEN] * 5


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


def test_a_part_of_many_row_groups_is_read_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statedrill.history.columns._ROW_GROUP", 7)
    with recorder(tmp_path) as recording:
        cart = recording.code("object", "cart", Model.SET)
        for number in range(40):
            items = None if number % 3 == 0 else list(range(number % 5))
            row = operation(number, number, object=cart, items=items, note=f"n{number}")
            recording.record(row)
    history = History.open(tmp_path)
    (part,) = history.parts()
    assert history.groups[0][1] > 5
    assert part["session"].tolist() == list(range(40))
    assert part.listed.tolist() == [number % 3 != 0 for number in range(40)]
    lists = [part.values[a:b].tolist() for a, b in pairwise(part.offsets)]
    assert lists == [list(range(number % 5)) if number % 3 else [] for number in range(40)]
    assert part.logical_offsets.tolist() == [0] * 41
    assert part.notes.to_pylist() == [f"n{number}" for number in range(40)]


def test_phases_are_stamped_by_the_time_of_the_call(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.emit("phase", phase="baseline")
    log.emit("phase", phase="fault")
    log.close()
    begin, fault = (int(event["t"]) for event in read_lines(tmp_path / "events.jsonl"))
    with recorder(tmp_path) as recording:
        for call in (begin - 1, begin, fault + 1):
            recording.record(operation(1, call))
    history = History.open(tmp_path)
    (part,) = history.parts()
    assert part["phase"].tolist() == [Phase.NONE, Phase.BASELINE, Phase.FAULT]
    assert [window[0] for window in history.windows()] == [Phase.BASELINE, Phase.FAULT]


def test_a_crash_loses_only_what_was_not_flushed_and_is_named(tmp_path: Path) -> None:
    recording = recorder(tmp_path, worker=3)
    recording.record(operation(1, 1))
    recording.flush()
    with (tmp_path / "operations-3.jsonl").open("ab") as file:
        file.write(b"[1,2,")
    history = History.open(tmp_path)
    assert (history.rows, history.incomplete) == (1, (3,))
    recording.close()


def test_another_machine_is_named_and_its_times_are_on_the_clock_of_the_run(tmp_path: Path) -> None:
    with Recorder(tmp_path, "r1", 4, machine="beta", shift_ns=-1_000) as recording:
        recording.code("object", "preferences", Model.REGISTER)
        recording.code("op", "look")
        recording.record(operation(1, 5_000))
        recording.record(operation(1, 6_000, due=5_500))
        recording.session({"session": 1, "user": "u1"})
    history = History.open(tmp_path)
    (part,) = history.parts()
    assert part["call"].tolist() == [4_000, 5_000]
    assert part["ret"].tolist() == [4_005, 5_005]
    assert part["due"].tolist() == [0, 4_500]
    assert (history.machines, history.incomplete) == ({4: "beta"}, ())


def test_a_record_that_goes_on_after_its_end_is_open_again(tmp_path: Path) -> None:
    recording = recorder(tmp_path)
    recording.record(operation(1, 100))
    recording.end()
    recording.end()
    assert (tmp_path / "operations-0.jsonl").read_bytes().count(b'"end"') == 1
    recording.record(operation(1, 200))
    recording.flush()
    assert History.open(tmp_path).incomplete == (0,)
    recording.close()
    (tmp_path / "operations.parquet").unlink()
    history = History.open(tmp_path)
    assert (history.rows, history.incomplete) == (2, ())


def test_a_damaged_line_is_named_with_file_and_number(tmp_path: Path) -> None:
    with recorder(tmp_path) as recording:
        recording.record(operation(1, 1))
    path = tmp_path / "operations-0.jsonl"
    path.write_bytes(path.read_bytes().replace(b"[1,6", b"[1;6"))
    with pytest.raises(HistoryError, match=r"operations-0\.jsonl:4: not JSON"):
        History.open(tmp_path)


def test_an_empty_folder_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no history here"):
        History.open(tmp_path)


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


def test_a_drill_stopped_before_its_load_began_has_an_empty_history(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.emit("interrupted", why="Ctrl-C")
    log.close()
    history = History.open(tmp_path)
    assert (history.rows, list(history.parts()), len(history.events)) == (0, [], 1)


def test_the_span_of_a_history_is_known_without_reading_its_rows(tmp_path: Path) -> None:
    with recorder(tmp_path) as recording:
        for call in (300, 100, 200):
            recording.record(operation(1, call))
    assert History.open(tmp_path).span() == (100, 305)


@pytest.mark.parametrize("line", ['[1,2,"x"]', "5", '{"table":"nothing","code":1}', '["a"]'])
def test_a_line_that_is_json_but_no_operation_is_damage(line: str, tmp_path: Path) -> None:
    with recorder(tmp_path) as fresh:
        fresh.record(operation(1, 10))
    path = tmp_path / "operations-0.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], line, lines[-1]]) + "\n")
    with pytest.raises(HistoryError, match="a line is not what a recorder writes"):
        History.open(tmp_path)


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


def test_lists_keep_their_values_in_slices_and_behind_lists_that_are_not_there() -> None:
    offsets = pa.array([0, 2, 3, 5], pa.int32())
    values = pa.array([1, 2, 3, 4, 5], pa.uint32())
    hidden = pa.ListArray.from_arrays(offsets, values, mask=pa.array([False, True, False]))
    for array, expected in ((hidden, [1, 2, 4, 5]), (hidden[2:], [4, 5]), (hidden[:0], [])):
        listed, begins, found = _flat(pa.chunked_array([array]))
        assert found.tolist() == expected
        assert begins[-1] == len(expected)
        assert listed.sum() == len(array) - array.null_count
