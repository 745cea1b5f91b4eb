"""In which order queued writes may be applied: pure, no queue, no database, no clock.

A standard queue delivers at least once and in any order. Every queued write therefore names the
acknowledged writes that its client had last seen (they travel in cookies that only an
acknowledgement sets), and waits until those are applied. It names only writes that were durable
before it was accepted, so a held write always waits for a message that exists, and never in a
cycle. No write names one whose acknowledgement was lost: that one is applied when it arrives.
A sequence number would not do: after a lost acknowledgement two writes would share one, and the
wrong one of them could release the next write.

A FIFO queue keeps the order of a group itself: there a write names none, and whoever receives
several of a group at once names for each the one before it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import orjson

from reference_app.model.model import Write

MOST_PREDECESSORS = 32
"""More writes at once than a browser sends in parallel; further ones are not waited for."""


@dataclass(frozen=True, slots=True)
class QueuedWrite:
    """A write on its way through a queue; `after` are the ids of the writes that come before it."""

    write: Write
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Equal for two deliveries of one write, different for different writes."""
        return f"{self.write.user}~{self.write.deduplication_id}"

    @property
    def predecessors(self) -> list[str]:
        """The names of the writes that must be applied first; all of the same user."""
        return [f"{self.write.user}~{wid}" for wid in self.after]

    def without_predecessors(self, names: Collection[str]) -> QueuedWrite:
        """The write, not coming after those with these names any more."""
        if not names:
            return self
        kept = zip(self.after, self.predecessors, strict=True)
        return replace(self, after=tuple(wid for wid, name in kept if name not in names))

    def to_message(self) -> str:
        """The text of a message; `parse_message` reads it back."""
        write = self.write
        return orjson.dumps(
            {
                "after": self.after,
                "user": write.user,
                "object": write.object,
                "operation": write.operation,
                "wid": write.wid,
                "data": write.data.decode(),
                "key": write.key,
                "apply_id": write.apply_id,
            }
        ).decode()


def parse_message(body: str) -> QueuedWrite:
    """The write in the body of a message, raw or in the envelope that SNS puts around it.

    Raises ValueError when the message is no queued write.
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
        return QueuedWrite(write, tuple(fields["after"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a queued write ({type(error).__name__}: {error})") from error


def ready_to_apply(
    queued: Iterable[QueuedWrite], applied: Iterable[str], overdue: frozenset[str] = frozenset()
) -> list[QueuedWrite]:
    """What may be applied now, in order; `applied` and `overdue` are names of writes.

    A write is ready when every predecessor is applied, or ready itself, or when the write is
    `overdue`: then its missing predecessors count as lost by the queue. Otherwise the order is
    that of arrival.
    """
    known = set(applied)
    in_order: list[QueuedWrite] = []
    waiting: defaultdict[str, list[QueuedWrite]] = defaultdict(list)
    remaining = deque(queued)
    while remaining:
        each = remaining.popleft()
        missing = next((name for name in each.predecessors if name not in known), None)
        if missing is not None and each.name not in overdue:
            waiting[missing].append(each)
            continue
        in_order.append(each)
        known.add(each.name)
        remaining.extendleft(reversed(waiting.pop(each.name, [])))
    return in_order
