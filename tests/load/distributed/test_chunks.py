from __future__ import annotations

import random
from pathlib import Path

import pytest

from statedrill.history.recorder import Recorder
from statedrill.history.store import History
from statedrill.load.distributed import chunks
from statedrill.load.distributed.chunks import Chunk, ReceiveBuffer, SendBuffer


def spool(folder: Path, **kinds: bytes) -> SendBuffer:
    folder.mkdir()
    for kind in chunks.KINDS:
        (folder / f"{kind}-3.jsonl").write_bytes(kinds.get(kind, b""))
    return SendBuffer(folder, 3)


def test_what_was_written_arrives_as_it_is(tmp_path: Path) -> None:
    send = spool(tmp_path / "near", operations=b"a\nb\n", sessions=b"s\n", load=b"l\n")
    receive = ReceiveBuffer(tmp_path / "far", 3)
    for chunk in send.chunks(1000):
        send.confirm(chunk.kind, receive.take(chunk))
    assert receive.finish(send.sizes())
    assert send.unconfirmed_bytes() == 0
    assert (tmp_path / "far" / "operations-3.jsonl").read_bytes() == b"a\nb\n"
    assert (tmp_path / "far" / "sessions-3.jsonl").read_bytes() == b"s\n"


@pytest.mark.parametrize("seed", range(20))
def test_the_far_end_is_always_a_beginning_of_the_near_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A network that loses, repeats and swaps chunks and confirmations, and a record that grows."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 7)
    dice = random.Random(seed)
    send, receive = spool(tmp_path / "near"), ReceiveBuffer(tmp_path / "far", 3)
    near, far = (tmp_path / each / "operations-3.jsonl" for each in ("near", "far"))
    has_in_flight: list[Chunk] = []
    for number in range(300):
        if number < 200:
            with near.open("ab") as file:
                file.write(b"row %d\n" % number)
        has_in_flight += send.chunks(dice.choice([10, 40, 10_000]))
        dice.shuffle(has_in_flight)
        for chunk in has_in_flight:
            upto = receive.take(chunk) if dice.random() < 0.6 else None
            if upto is not None and dice.random() < 0.6:
                send.confirm(chunk.kind, upto)
        has_in_flight = [chunk for chunk in has_in_flight if dice.random() < 0.2]
        if dice.random() < 0.3:
            send.rewind("operations")
        assert near.read_bytes().startswith(far.read_bytes())
        assert send.confirmed["operations"] <= receive.taken["operations"]
    while send.unconfirmed_bytes():  # the weather has cleared up
        send.rewind("operations")
        for chunk in send.chunks(10_000):
            send.confirm(chunk.kind, receive.take(chunk))
    assert near.read_bytes() == far.read_bytes()


def test_no_more_is_on_its_way_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 10)
    send = spool(tmp_path / "near", operations=b"x" * 100)
    assert [chunk.at for chunk in send.chunks(25)] == [0, 10, 20]
    assert list(send.chunks(25)) == []
    send.confirm("operations", 20)
    assert [chunk.at for chunk in send.chunks(25)] == [30, 40]


def test_a_record_is_whole_only_when_all_evidence_is_there(tmp_path: Path) -> None:
    receive = ReceiveBuffer(tmp_path, 3)
    receive.take(Chunk("operations", 0, b"abc"))
    assert not receive.finish({"operations": 3, "sessions": 1})
    receive.take(Chunk("sessions", 0, b"s"))
    assert receive.finish({"operations": 3, "sessions": 1})
    receive.begin()
    receive.take(Chunk("operations", 3, b"more"))
    assert receive.finish({"operations": 7, "sessions": 1})
    receive.take(Chunk("load", 0, b"a line about the generator"))
    assert receive.whole
    assert not (tmp_path / "operations-3.open").exists()
    receive.take(Chunk("operations", 7, b"one more"))
    assert not receive.whole
    assert (tmp_path / "operations-3.open").exists()


def test_a_load_process_that_never_sent_anything_is_on_record(tmp_path: Path) -> None:
    ReceiveBuffer(tmp_path, 3)
    assert History.open(tmp_path).incomplete == (3,)


def test_the_end_of_an_earlier_test_does_not_vouch_for_the_next(tmp_path: Path) -> None:
    with Recorder(tmp_path / "near", "r1", 3):
        pass
    send, receive = SendBuffer(tmp_path / "near", 3), ReceiveBuffer(tmp_path / "far", 3)
    for chunk in send.chunks(10_000):
        receive.take(chunk)
    receive.finish(send.sizes())
    assert History.open(tmp_path / "far").incomplete == ()
    receive.begin()
    assert not receive.finish(send.sizes()), "that was said of the test before"
    (tmp_path / "far" / "operations.parquet").unlink()
    assert History.open(tmp_path / "far").incomplete == (3,)


def test_what_does_not_begin_where_the_last_ended_is_not_taken(tmp_path: Path) -> None:
    receive = ReceiveBuffer(tmp_path, 3)
    assert receive.take(Chunk("operations", 5, b"later")) == 0
    assert receive.take(Chunk("operations", 0, b"first")) == 5
    assert receive.take(Chunk("operations", 0, b"first")) == 5
    assert receive.take(Chunk("operations", 3, b"stlater")) == 10
    assert (tmp_path / "operations-3.jsonl").read_bytes() == b"firstlater"
    with pytest.raises(KeyError):
        receive.take(Chunk("../../elsewhere", 0, b"x"))
