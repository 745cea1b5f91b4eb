"""What etcd's watches promise: ordered, complete, without gaps, and the same for every client.

Gathers the events of all watches into one table by revision. Knows watches only; `etcd` compares
them with the operations.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from statedrill.check.search.unique_writes import Contradiction
from statedrill.history.formats import ForeignOperation
from statedrill.history.formats.etcd import Event, Watch
from statedrill.history.operation import FOREVER
from statedrill.vocabulary import Outcome

Revisions = dict[int, dict[str, str | None]]  # revision -> key -> value put there (None: deleted)


@dataclass
class WatchedRevisions:
    """The union of what all watches showed, and the response that showed each revision first."""

    revisions: Revisions = field(default_factory=dict)
    first_shown: dict[int, ForeignOperation] = field(default_factory=dict)


def gather(watches: Sequence[Watch]) -> WatchedRevisions | Contradiction:
    """All events by revision, or the first contradiction within or between the watches."""
    seen = WatchedRevisions()
    for watch in watches:
        problem = _within(watch)
        if problem:
            return Contradiction(problem, (observation(watch, len(watch.responses) - 1),))
        for number, response in enumerate(watch.responses):
            for event in response.events:
                changes = seen.revisions.setdefault(event.revision, {})
                if changes.setdefault(event.key, event.value) != event.value:
                    sentence = f"two watches differ about {event.key} at revision {event.revision}"
                    witness = (seen.first_shown[event.revision], observation(watch, number))
                    return Contradiction(sentence, witness)
                earlier = seen.first_shown.get(event.revision)
                if earlier is None or response.time < earlier.ret:
                    seen.first_shown[event.revision] = observation(watch, number)
    in_order = sorted(seen.revisions)
    for watch in watches:
        skipped = _skipped(watch, seen.revisions, in_order)
        if skipped:
            last = observation(watch, len(watch.responses) - 1)
            return Contradiction(skipped[1], (seen.first_shown[skipped[0]], last))
    return seen


def observation(watch: Watch, number: int) -> ForeignOperation:
    """A watch response as an operation that ended when it came and may have begun at any time."""
    response = watch.responses[number]
    events = [(each.revision, each.key, each.value) for each in response.events]
    return ForeignOperation(
        "watch", "watch", None, events[:3] or None, None, -FOREVER, response.time,
        Outcome.OK, f"{watch.where}, response {number + 1}",
    )  # fmt: skip


def _within(watch: Watch) -> str | None:
    """The first rule that one watch breaks alone, as a sentence."""
    last, promised = 0, 0
    for response in watch.responses:
        begun = last
        for event in response.events:
            what = f"a watch from revision {watch.revision} shows revision {event.revision}"
            if not _watched(watch, event.key) or event.revision < watch.revision:
                return f"{what} of {event.key}, which was not asked for"
            if event.revision < last or event.revision <= promised:
                return f"{what} after revision {max(last, promised)}"
            if event.revision == begun:
                return f"{what} in two pieces"
            last = event.revision
        if len({(each.revision, each.key) for each in response.events}) < len(response.events):
            return f"a watch shows one change twice, at or before revision {last}"
        if response.progress:
            promised = max(promised, response.revision)
    return None


def _skipped(watch: Watch, revisions: Revisions, in_order: Sequence[int]) -> tuple[int, str] | None:
    """The first (revision, sentence) that other watches have and this one passed over. `in_order`
    are the keys of `revisions`.
    """
    events = list(_events(watch))
    shown = {(each.revision, each.key) for each in events}
    reached = max((each.revision for each in events), default=0)
    progress = [each.revision for each in watch.responses if each.progress]
    reached = max([reached, *progress])
    begin = watch.revision or min((each.revision for each in events), default=reached + 1)
    for revision in in_order[bisect_left(in_order, begin) : bisect_right(in_order, reached)]:
        for key in revisions[revision]:
            if _watched(watch, key) and (revision, key) not in shown:
                return revision, f"a watch passed over revision {revision} of {key}"
    return None


def _events(watch: Watch) -> Iterator[Event]:
    for response in watch.responses:
        yield from response.events


def _watched(watch: Watch, key: str) -> bool:
    return key.startswith(watch.key) if watch.prefix else key == watch.key
