from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from statedrill.history.lines import Lines


class Disk:
    """A file on a disk with room for so many bytes, which takes at most seven at a time."""

    closed = False

    def __init__(self, room: int) -> None:
        self.room, self.content = room, b""

    def write(self, data: Any) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = bytes(data[: min(7, self.room)])
        self.room -= len(taken)
        self.content += taken
        return len(taken)

    def close(self) -> None:
        self.closed = True


def lines(path: Path, room: int) -> tuple[Lines, Disk]:
    made, disk = Lines(path), Disk(room)
    made._file.close()
    made._file = disk  # type: ignore[assignment]
    return made, disk


def test_a_disk_that_takes_little_at_a_time_gets_every_line_once(tmp_path: Path) -> None:
    made, disk = lines(tmp_path / "x", 10_000)
    for number in range(50):
        made.add(b"line %d" % number)
        if number % 7 == 0:
            made.flush()
    made.close()
    assert disk.content.splitlines() == [b"line %d" % number for number in range(50)]
    assert (made.error, made.flushed, made.closed) == (None, 50, True)


@pytest.mark.parametrize("room", range(30))
def test_a_full_disk_ends_it_for_good(tmp_path: Path, room: int) -> None:
    made, disk = lines(tmp_path / "x", room)
    for number in range(10):
        made.add(b"line %d" % number)
        made.flush()
    assert made.error is not None
    before = disk.content
    disk.room = 10_000
    made.add(b"there is room again")
    made.close()
    assert disk.content == before
    whole = b"".join(b"line %d\n" % number for number in range(10))
    assert whole.startswith(before)
