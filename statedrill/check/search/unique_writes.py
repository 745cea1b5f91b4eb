"""Logs and growing sets whose elements are unique: exact, without a search.

What the reads show puts every operation into ranks: an element before the first read that has
it, a read after its last element. If the reads agree on one growth, the object is linearizable
iff no operation of a higher rank ended before one of a lower rank began
(docs/definitions.md#versions-theorem). Knows logs and sets only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from statedrill.history.formats import ForeignOperation
from statedrill.history.operation import FOREVER
from statedrill.vocabulary import Outcome


@dataclass(frozen=True)
class Contradiction:
    """What cannot be, as a sentence, and the operations that show it (at most four)."""

    sentence: str
    operations: tuple[ForeignOperation, ...]


class NotUnique(Exception):
    """An element was written more than once, removed, or its text is ambiguous: search instead."""


def check_unique(model: str, operations: Sequence[ForeignOperation]) -> Contradiction | None:
    """The contradiction in one append-log, set or kv object; None if there is none.

    Raises:
        NotUnique: the definitions here do not apply.
    """
    writes = _unique_writes(operations)
    reads = [each for each in operations if each.action in ("read", "get")]
    shown = [_elements(model, each, writes) for each in reads]
    order = sorted(range(len(reads)), key=lambda number: len(shown[number]))
    for number, elements in enumerate(shown):
        problem = _impossible(reads[number], elements, writes)
        if problem:
            return problem
    for one, two in pairwise(order):
        if not _grew(model, shown[one], shown[two]):
            return Contradiction(
                "two reads show states of which neither grew from the other",
                (reads[one], reads[two]),
            )
    return _against_time(model, reads, shown, order, writes)


def _unique_writes(operations: Sequence[ForeignOperation]) -> dict[Hashable, ForeignOperation]:
    """Every write that may have been applied, by its element."""
    writes: dict[Hashable, ForeignOperation] = {}
    for each in operations:
        if each.action in ("read", "get"):
            continue
        if each.action not in ("append", "add") or each.value in writes or each.value == "":
            raise NotUnique
        writes[each.value] = each
    return {value: each for value, each in writes.items() if each.outcome is not Outcome.FAILED}


def _elements(
    model: str, read: ForeignOperation, writes: dict[Hashable, ForeignOperation]
) -> tuple[Hashable, ...]:
    if model == "kv":
        return _split(read.result, writes)
    return tuple(read.result)


def _split(text: str, writes: dict[Hashable, ForeignOperation]) -> tuple[Hashable, ...]:
    """The appended texts that make up `text`; what no append explains is one element."""
    found: list[Hashable] = []
    lengths = sorted({len(str(each)) for each in writes})
    position = 0
    while position < len(text):
        fits = [size for size in lengths if text[position : position + size] in writes]
        if len(fits) > 1:
            raise NotUnique
        size = fits[0] if fits else len(text) - position
        found.append(text[position : position + size])
        position += size
    return tuple(found)


def _impossible(
    read: ForeignOperation,
    elements: tuple[Hashable, ...],
    writes: dict[Hashable, ForeignOperation],
) -> Contradiction | None:
    unknown = next((each for each in elements if each not in writes), None)
    if unknown is not None:
        return Contradiction(f"a read shows {unknown!r}, which no write wrote", (read,))
    element, times = Counter(elements).most_common(1)[0] if elements else (None, 0)
    if times > 1:
        twice = f"a read shows {element!r} {times} times, but it was written once"
        return Contradiction(twice, (writes[element], read))
    return None


def _grew(model: str, smaller: tuple[Hashable, ...], larger: tuple[Hashable, ...]) -> bool:
    if model == "set":
        return set(smaller) <= set(larger)
    return larger[: len(smaller)] == smaller


def _against_time(
    model: str,
    reads: list[ForeignOperation],
    shown: list[tuple[Hashable, ...]],
    order: list[int],
    writes: dict[Hashable, ForeignOperation],
) -> Contradiction | None:
    """The first operation of a higher rank that ended before one of a lower rank began."""
    ranks: list[tuple[int, ForeignOperation]] = []
    placed: set[Hashable] = set()
    for number in order:
        size = len(shown[number])
        for place, element in enumerate(shown[number], start=1):
            if element not in placed:
                placed.add(element)
                # A log gives every element a place of its own, a set one place to all new ones.
                ranks.append((2 * (size if model == "set" else place), writes[element]))
        ranks.append((2 * size + 1, reads[number]))
    unseen = 2 * len(placed) + 2
    ranks += [
        (unseen, each)
        for element, each in writes.items()
        if element not in placed and each.outcome is Outcome.OK
    ]
    pair = inversion(ranks)
    if pair is None:
        return None
    return Contradiction(
        "by what the reads show the first took effect after the second, but it had ended before "
        "the second began",
        pair,
    )


def inversion(
    ranks: list[tuple[int, ForeignOperation]],
) -> tuple[ForeignOperation, ForeignOperation] | None:
    """Two operations of which the one with the higher rank ended before the other began.

    `ranks` are (rank, operation) in any order; equal ranks constrain nothing. O(n log n).
    """
    ranks = sorted(ranks, key=lambda each: -each[0])
    earliest: ForeignOperation | None = None  # to end, among all of higher ranks
    pending: ForeignOperation | None = None
    current = None
    for rank, operation in ranks:
        if rank != current:
            earliest = _earlier(earliest, pending)
            pending, current = None, rank
        if earliest is not None and _end(earliest) < operation.call:
            return earliest, operation
        pending = _earlier(pending, operation)
    return None


def _earlier(one: ForeignOperation | None, two: ForeignOperation | None) -> ForeignOperation | None:
    if one is None or two is None:
        return one or two
    return one if _end(one) <= _end(two) else two


def _end(operation: ForeignOperation) -> int:
    return FOREVER if operation.outcome is Outcome.UNKNOWN else operation.ret
