"""In which order queued writes may be applied: pure, no queue, no database, no clock.

The queue delivers at least once and in any order. Every accepted write carries the number of
its place in the stream of its server session. The client keeps that number in a cookie that only
an acknowledgement moves on, so a number n is given out only after a write with n-1 was durable:
whatever waits here waits for a message that exists. A lost acknowledgement makes two writes
share a number; both are applied, in the order of their arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from reference_app.model import Write

Place = tuple[str, str]
"""Public id of a server session, and the stream within it."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A write on its way through a queue, with its place in the order of its session."""

    write: Write
    public: str
    seq: int

    @property
    def place(self) -> Place:
        """The sequence this write is numbered in."""
        return self.public, self.write.stream

    @property
    def name(self) -> str:
        """What two deliveries of one write have in common, and no others."""
        return f"{self.write.user}~{self.write.remembered_as}"

    def message(self) -> str:
        """The text of a message; `parsed` is the way back."""
        write = self.write
        return orjson.dumps(
            {
                "session": self.public,
                "seq": self.seq,
                "user": write.user,
                "object": write.object,
                "operation": write.operation,
                "wid": write.wid,
                "data": write.data.decode(),
                "key": write.key,
                "apply_id": write.apply_id,
            }
        ).decode()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one place is applied; `open` is false while an earlier session must come first."""

    applied_seq: int = 0
    open: bool = True


def parsed(body: str) -> Queued:
    """The write in the body of a message, raw or in the envelope SNS puts around it.

    Raises ValueError when it is not one of ours.
    """
    try:
        fields = orjson.loads(body)
        if fields.get("Type") == "Notification":
            fields = orjson.loads(fields["Message"])
        write = Write(
            user=fields["user"],
            object=fields["object"],
            operation=fields["operation"],
            wid=fields["wid"],
            data=fields["data"].encode(),
            key=fields["key"],
            apply_id=fields["apply_id"],
        )
        return Queued(write, fields["session"], int(fields["seq"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a queued write ({type(error).__name__}: {error})") from error


def ready(
    queued: Iterable[Queued],
    progress: Mapping[Place, Progress],
    overdue: frozenset[str] = frozenset(),
) -> tuple[list[Queued], dict[Place, int]]:
    """What may be applied now, in order, and how far that brings each place.

    A write is ready when its session is open and the write before it is applied, or is ready
    itself, or is `overdue` (its name is in that set): then the one before it is given
    up as lost by the queue. Numbers that were passed already are ready at once.
    """
    reached: dict[Place, int] = {}
    in_order: list[Queued] = []
    # sorted() is stable: equal numbers stay in the order of their arrival
    for one in sorted(queued, key=lambda one: one.seq):
        before = progress.get(one.place, Progress())
        applied_seq = reached.get(one.place, before.applied_seq)
        on_time = before.open and one.seq <= applied_seq + 1
        if on_time or one.name in overdue:
            reached[one.place] = max(applied_seq, one.seq)
            in_order.append(one)
    return in_order, reached
