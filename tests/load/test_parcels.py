from __future__ import annotations

import random
from pathlib import Path

import pytest

from statedrill.history.recorder import Recorder
from statedrill.history.store import History
from statedrill.load.distributed import chunks
from statedrill.load.distributed.chunks import Inbox, Outbox, Piece


def spool(folder: Path, **kinds: bytes) -> Outbox:
    folder.mkdir()
    for kind in chunks.KINDS:
        (folder / f"{kind}-3.jsonl").write_bytes(kinds.get(kind, b""))
    return Outbox(folder, 3)


def test_what_was_written_arrives_as_it_is(tmp_path: Path) -> None:
    outbox = spool(tmp_path / "near", operations=b"a\nb\n", sessions=b"s\n", load=b"l\n")
    inbox = Inbox(tmp_path / "far", 3)
    for piece in outbox.pieces(1000):
        outbox.confirm(piece.kind, inbox.take(piece))
    assert inbox.finish(outbox.sizes())
    assert outbox.left_behind() == 0
    assert (tmp_path / "far" / "operations-3.jsonl").read_bytes() == b"a\nb\n"
    assert (tmp_path / "far" / "sessions-3.jsonl").read_bytes() == b"s\n"


@pytest.mark.parametrize("seed", range(20))
def test_the_far_end_is_always_a_beginning_of_the_near_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A network that loses, repeats and swaps pieces and confirmations, and a record that grows."""
    monkeypatch.setattr(chunks, "PIECE_BYTES", 7)
    dice = random.Random(seed)
    outbox, inbox = spool(tmp_path / "near"), Inbox(tmp_path / "far", 3)
    near, far = (tmp_path / each / "operations-3.jsonl" for each in ("near", "far"))
    under_way: list[Piece] = []
    for number in range(300):
        if number < 200:
            with near.open("ab") as file:
                file.write(b"row %d\n" % number)
        under_way += outbox.pieces(dice.choice([10, 40, 10_000]))
        dice.shuffle(under_way)
        for piece in under_way:
            upto = inbox.take(piece) if dice.random() < 0.6 else None
            if upto is not None and dice.random() < 0.6:
                outbox.confirm(piece.kind, upto)
        under_way = [piece for piece in under_way if dice.random() < 0.2]
        if dice.random() < 0.3:
            outbox.rewind("operations")
        assert near.read_bytes().startswith(far.read_bytes())
        assert outbox.confirmed["operations"] <= inbox.taken["operations"]
    while outbox.left_behind():  # the weather has cleared up
        outbox.rewind("operations")
        for piece in outbox.pieces(10_000):
            outbox.confirm(piece.kind, inbox.take(piece))
    assert near.read_bytes() == far.read_bytes()


def test_no_more_is_on_its_way_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "PIECE_BYTES", 10)
    outbox = spool(tmp_path / "near", operations=b"x" * 100)
    assert [piece.at for piece in outbox.pieces(25)] == [0, 10, 20]
    assert list(outbox.pieces(25)) == []
    outbox.confirm("operations", 20)
    assert [piece.at for piece in outbox.pieces(25)] == [30, 40]


def test_a_record_is_whole_only_when_all_evidence_is_there(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 3)
    inbox.take(Piece("operations", 0, b"abc"))
    assert not inbox.finish({"operations": 3, "sessions": 1})
    inbox.take(Piece("sessions", 0, b"s"))
    assert inbox.finish({"operations": 3, "sessions": 1})
    inbox.begin()
    inbox.take(Piece("operations", 3, b"more"))
    assert inbox.finish({"operations": 7, "sessions": 1})
    inbox.take(Piece("load", 0, b"a line about the generator"))
    assert inbox.whole
    assert not (tmp_path / "operations-3.open").exists()
    inbox.take(Piece("operations", 7, b"one more"))
    assert not inbox.whole
    assert (tmp_path / "operations-3.open").exists()


def test_a_load_process_that_never_sent_anything_is_on_record(tmp_path: Path) -> None:
    Inbox(tmp_path, 3)
    assert History.open(tmp_path).incomplete == (3,)


def test_the_end_of_an_earlier_test_does_not_vouch_for_the_next(tmp_path: Path) -> None:
    with Recorder(tmp_path / "near", "r1", 3):
        pass
    outbox, inbox = Outbox(tmp_path / "near", 3), Inbox(tmp_path / "far", 3)
    for piece in outbox.pieces(10_000):
        inbox.take(piece)
    inbox.finish(outbox.sizes())
    assert History.open(tmp_path / "far").incomplete == ()
    inbox.begin()
    assert not inbox.finish(outbox.sizes()), "that was said of the test before"
    (tmp_path / "far" / "operations.parquet").unlink()
    assert History.open(tmp_path / "far").incomplete == (3,)


def test_what_does_not_begin_where_the_last_ended_is_not_taken(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 3)
    assert inbox.take(Piece("operations", 5, b"later")) == 0
    assert inbox.take(Piece("operations", 0, b"first")) == 5
    assert inbox.take(Piece("operations", 0, b"first")) == 5
    assert inbox.take(Piece("operations", 3, b"stlater")) == 10
    assert (tmp_path / "operations-3.jsonl").read_bytes() == b"firstlater"
    with pytest.raises(KeyError):
        inbox.take(Piece("../../elsewhere", 0, b"x"))
