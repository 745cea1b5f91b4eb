"""A record on its way from the load process that wrote it to the master's folder, in pieces.

The far end is always an exact beginning of the near one: a piece is taken only where the last one
ended, and what is not confirmed is sent again. Knows files and bytes; knows no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from statedrill.history.operation import open_mark

PIECE_BYTES = 256 * 1024
# What decides a verdict. The generator's own figures do not: the last of them may stay behind.
EVIDENCE = ("sessions", "operations")
KINDS = ("load", *EVIDENCE)  # the small ones first: on a slow network they must not wait


class Piece(NamedTuple):
    """Bytes of one file of the record, from `at` on."""

    kind: str
    at: int
    data: bytes


class Outbox:
    """What load process `worker` wrote into `folder` and has to send.

    `sent` and `confirmed` are bytes of each file.
    """

    def __init__(self, folder: Path, worker: int) -> None:
        self._paths = _paths(folder, worker)
        self.sent = dict.fromkeys(KINDS, 0)
        self.confirmed = dict.fromkeys(KINDS, 0)

    def pieces(self, most_bytes: int) -> Iterator[Piece]:
        """What to send now, as long as no more than `most_bytes` are on their way.

        A piece counts as sent when the next one is asked for.
        """
        for kind, path in self._paths.items():
            with path.open("rb") as file:
                while self.on_their_way < most_bytes:
                    at = file.seek(self.sent[kind])
                    if not (data := file.read(PIECE_BYTES)):
                        break
                    yield Piece(kind, at, data)
                    self.sent[kind] = max(self.sent[kind], at + len(data))

    @property
    def on_their_way(self) -> int:
        """Bytes that were sent and not confirmed."""
        return sum(self.sent.values()) - sum(self.confirmed.values())

    def confirm(self, kind: str, upto: int) -> None:
        """The other side has everything of a file up to here."""
        self.confirmed[kind] = max(self.confirmed[kind], upto)
        self.sent[kind] = max(self.sent[kind], upto)

    def under_way(self, kind: str) -> bool:
        """Whether some of this file was sent and not confirmed."""
        return self.sent[kind] > self.confirmed[kind]

    def rewind(self, kind: str) -> None:
        """Nobody confirms this file any more: begin again behind what was confirmed last."""
        self.sent[kind] = self.confirmed[kind]

    def sizes(self) -> dict[str, int]:
        """Bytes written of each file of evidence."""
        return {kind: self._paths[kind].stat().st_size for kind in EVIDENCE}

    def left_behind(self) -> int:
        """Bytes of evidence that nobody has confirmed."""
        return sum(size - self.confirmed[kind] for kind, size in self.sizes().items())


class Inbox:
    """The files of load process `worker` in the run's `folder`, as far as they have come.

    They exist from the first moment on, and a mark beside them while they are not known to be
    whole: a load process that dies before its first piece came is on record as lost. `taken` is
    bytes of each file.
    """

    def __init__(self, folder: Path, worker: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = _paths(folder, worker)
        self._mark = folder / open_mark(worker)
        for path in self._paths.values():
            path.touch()
        self.taken = dict.fromkeys(KINDS, 0)
        self._least = 0
        self._open()

    def begin(self) -> None:
        """A test begins, which its load process will write down: until more has come than now, the
        record is not whole, whoever says so.
        """
        self._least = self.evidence + 1
        self._open()

    @property
    def evidence(self) -> int:
        """Bytes taken of what decides a verdict."""
        return sum(self.taken[kind] for kind in EVIDENCE)

    def take(self, piece: Piece) -> int:
        """Keep a piece, if it begins where the last one ended; where the file ends now.

        Raises:
            KeyError: there is no such file in a record.
            OSError: it cannot be written, such as on a full disk.
        """
        kind, at, data = piece
        path, taken = self._paths[kind], self.taken[kind]
        if at <= taken < at + len(data):
            with path.open("ab", buffering=0) as file:
                self.taken[kind] += file.write(data[taken - at :])
            if kind in EVIDENCE and self.whole:
                self._open()
        return self.taken[kind]

    def finish(self, sizes: Mapping[str, int]) -> bool:
        """The load process says that its files are this long: whether they are here, too."""
        here = all(self.taken[kind] == size for kind, size in sizes.items())
        if here and self.evidence >= self._least:
            self.whole = True
            self._mark.unlink(missing_ok=True)
        return self.whole

    def _open(self) -> None:
        self.whole = False
        self._mark.touch()


def _paths(folder: Path, worker: int) -> dict[str, Path]:
    return {kind: folder / f"{kind}-{worker}.jsonl" for kind in KINDS}
