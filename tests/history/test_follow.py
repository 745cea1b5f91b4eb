from __future__ import annotations

from pathlib import Path

from statedrill.history.follow import LineFollower, OperationFollower, all_recorders_ended
from statedrill.history.operation import Operation
from statedrill.history.recorder import Recorder
from statedrill.vocabulary import Kind, Model, Outcome


def test_every_line_is_read_once_and_a_half_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "load-0.jsonl"
    follower = LineFollower(path)
    assert follower.new_lines() == []
    with path.open("ab", buffering=0) as file:
        file.write(b'{"n": 1}\n{"n": 2}\n{"n"')
        assert follower.new_lines() == [{"n": 1}, {"n": 2}]
        assert follower.new_lines() == []
        file.write(b": 3}\n")
        assert follower.new_lines() == [{"n": 3}]


def test_followed_operations_have_names_instead_of_numbers(tmp_path: Path) -> None:
    with Recorder(tmp_path, "r1") as recorder:
        follower = OperationFollower(tmp_path / "operations-0.jsonl")
        cart, look = recorder.code("object", "cart", Model.SET), recorder.code("op", "view-cart")
        recorder.record(Operation(5, 9, 1, 0, cart, look, Kind.READ, Outcome.OK))
        recorder.flush()
        (row,) = follower.new_operations()
        assert (row["op"], row["kind"], row["instance"]) == ("view-cart", "read", "")
        assert (row["call"], row["ret"], row["outcome"]) == (5, 9, Outcome.OK)
        assert follower.new_operations() == []


def test_a_record_has_ended_when_every_recorder_says_so(tmp_path: Path) -> None:
    assert not all_recorders_ended(tmp_path)
    first, second = Recorder(tmp_path, "r1"), Recorder(tmp_path, "r1", worker=1)
    first.close()
    assert not all_recorders_ended(tmp_path)
    second.close()
    assert all_recorders_ended(tmp_path)


def test_a_record_with_operations_after_its_end_mark_or_a_torn_last_line_has_not_ended(
    tmp_path: Path,
) -> None:
    recorder = Recorder(tmp_path, "r1")
    recorder.end()
    assert all_recorders_ended(tmp_path)
    recorder.begin()
    assert not all_recorders_ended(tmp_path)
    recorder.close()
    with (tmp_path / "operations-0.jsonl").open("ab") as file:
        file.write(b'{"end": tr')
    assert not all_recorders_ended(tmp_path)
