"""A record on its way from the load process that wrote it to the master's folder, in chunks.

The receiver's copy is always an exact beginning of the sender's: a chunk is taken only where the
last one ended, and what is not confirmed is sent again. Knows files and bytes; knows no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from statedrill.history.operation import open_mark

CHUNK_BYTES = 256 * 1024
# What decides a verdict. The load process's own figures do not: the last of them may be missing.
EVIDENCE = ("sessions", "operations")
KINDS = ("load", *EVIDENCE)  # the small ones first: on a slow network they must not wait


class Chunk(NamedTuple):
    """Bytes of one file of the record, from `at` on."""

    kind: str
    at: int
    data: bytes


class SendBuffer:
    """What load process `worker` wrote into `folder` and has to send.

    `sent` and `confirmed` are bytes of each file.
    """

    def __init__(self, folder: Path, worker: int) -> None:
        self._paths = _paths(folder, worker)
        self.sent = dict.fromkeys(KINDS, 0)
        self.confirmed = dict.fromkeys(KINDS, 0)

    def chunks(self, most_bytes: int) -> Iterator[Chunk]:
        """What to send now, as long as no more than `most_bytes` are in flight.

        A chunk counts as sent when the next one is asked for.
        """
        for kind, path in self._paths.items():
            with path.open("rb") as file:
                while self.in_flight < most_bytes:
                    at = file.seek(self.sent[kind])
                    if not (data := file.read(CHUNK_BYTES)):
                        break
                    yield Chunk(kind, at, data)
                    self.sent[kind] = max(self.sent[kind], at + len(data))

    @property
    def in_flight(self) -> int:
        """Bytes that were sent and not confirmed."""
        return sum(self.sent.values()) - sum(self.confirmed.values())

    def confirm(self, kind: str, upto: int) -> None:
        """The receiver has this file up to here."""
        self.confirmed[kind] = max(self.confirmed[kind], upto)
        self.sent[kind] = max(self.sent[kind], upto)

    def has_in_flight(self, kind: str) -> bool:
        """Whether some of this file was sent and not confirmed."""
        return self.sent[kind] > self.confirmed[kind]

    def rewind(self, kind: str) -> None:
        """Confirmations of this file stay away: send it again from the last one on."""
        self.sent[kind] = self.confirmed[kind]

    def sizes(self) -> dict[str, int]:
        """Bytes written of each file of evidence."""
        return {kind: self._paths[kind].stat().st_size for kind in EVIDENCE}

    def unconfirmed_bytes(self) -> int:
        """Bytes of evidence that were written and not confirmed."""
        return sum(size - self.confirmed[kind] for kind, size in self.sizes().items())


class ReceiveBuffer:
    """The files of load process `worker` in the run's `folder`, as far as they have come.

    They exist from the first moment on, and a mark beside them while they are not known to be
    whole: a load process that dies before its first chunk came is on record as lost. `taken` is
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
        self._reopen()

    def begin(self) -> None:
        """A test begins, which the load process writes down: until more has come than there is
        now, the record is not whole, whatever the load process says.
        """
        self._least = self.evidence + 1
        self._reopen()

    @property
    def evidence(self) -> int:
        """Bytes taken of what decides a verdict."""
        return sum(self.taken[kind] for kind in EVIDENCE)

    def take(self, chunk: Chunk) -> int:
        """Write a chunk, if it begins where the last one ended; returns where the file ends now.

        Raises:
            KeyError: there is no such file in a record.
            OSError: it cannot be written, such as on a full disk.
        """
        kind, at, data = chunk
        path, taken = self._paths[kind], self.taken[kind]
        if at <= taken < at + len(data):
            with path.open("ab", buffering=0) as file:
                self.taken[kind] += file.write(data[taken - at :])
            if kind in EVIDENCE and self.whole:
                self._reopen()
        return self.taken[kind]

    def finish(self, sizes: Mapping[str, int]) -> bool:
        """The load process says that its files are this long: whether they are here, too."""
        here = all(self.taken[kind] == size for kind, size in sizes.items())
        if here and self.evidence >= self._least:
            self.whole = True
            self._mark.unlink(missing_ok=True)
        return self.whole

    def _reopen(self) -> None:
        self.whole = False
        self._mark.touch()


def _paths(folder: Path, worker: int) -> dict[str, Path]:
    return {kind: folder / f"{kind}-{worker}.jsonl" for kind in KINDS}
