"""What is recorded survives a crash, and says whether it is whole."""

from __future__ import annotations

from pathlib import Path

from statedrill.history.recorder import Recorder
from statedrill.history.store import History
from statedrill.vocabulary import Model
from tests.history.records import operation, recorder


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
