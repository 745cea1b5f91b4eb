"""In which order queued writes may be applied: pure, no queue, no database, no clock.

The queue delivers at least once and in any order. Every queued write therefore names the
acknowledged writes that its client had last seen (they travel in cookies that only an
acknowledgement sets), and waits until those are applied. It names only writes that were durable
before it was accepted, so whatever waits here waits for a message that exists, and never in a
circle. A write whose acknowledgement was lost is named by nobody: it is applied when it arrives.
A mere number would not do: a lost acknowledgement would make two writes share one, and the wrong
one of them could let the next write pass.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from reference_app.model.model import Write

MOST_AFTER = 32
"""More writes at once than a browser sends in parallel; more than that are not waited for."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A write on its way through a queue, and the ids of the writes it must come after."""

    write: Write
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What two deliveries of one write have in common, and no others."""
        return f"{self.write.user}~{self.write.remembered_as}"

    @property
    def names_before(self) -> list[str]:
        """The names of the writes that must be applied first; all of the same user."""
        return [f"{self.write.user}~{one}" for one in self.after]

    def message(self) -> str:
        """The text of a message; `parsed` is the way back."""
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
        return Queued(write, tuple(fields["after"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a queued write ({type(error).__name__}: {error})") from error


def ready(
    queued: Iterable[Queued], applied: Iterable[str], overdue: frozenset[str] = frozenset()
) -> list[Queued]:
    """What may be applied now, in order; `applied` and `overdue` are names of writes.

    A write is ready when every write it names is applied, or ready itself, or when it is
    `overdue`: then what it waits for is given up as lost by the queue. Otherwise the order is
    that of arrival.
    """
    known = set(applied)
    in_order: list[Queued] = []
    waiting: defaultdict[str, list[Queued]] = defaultdict(list)
    todo = deque(queued)
    while todo:
        one = todo.popleft()
        missing = next((name for name in one.names_before if name not in known), None)
        if missing is not None and one.name not in overdue:
            waiting[missing].append(one)
            continue
        in_order.append(one)
        known.add(one.name)
        todo.extendleft(reversed(waiting.pop(one.name, [])))
    return in_order
