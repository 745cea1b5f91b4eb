"""The ids that list reads returned (a set's elements, a log's entries), flat and resolved.

Knows which write made each entry; knows no definition of any finding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.index.operations import Frame
from statedrill.check.numeric.stable_sort import Array
from statedrill.history.operation import LAST_ID, NOTHING
from statedrill.history.store import Part
from statedrill.vocabulary import Kind, Model, Outcome

NONE = -1


@dataclass
class Lists:
    """The lists of all reads that gave one, one after another.

    `rows` are the frame rows of the reads, rising; `starts` and `lengths` their place in the
    flat arrays. Per item: `row_of` its read, `ids` what it showed, `item` the row of the ADD or
    APPEND to the same object that has this id (NONE: no such), `misplaced` where the id was sent
    with another purpose; `logical` the logical id beside it (empty where none were given).
    """

    rows: Array
    starts: Array
    lengths: Array
    row_of: Array
    ids: Array
    item: Array
    misplaced: Array
    logical: Array

    def __len__(self) -> int:
        return len(self.rows)

    def index(self) -> Array:
        """For each item, the number of its read in `rows`."""
        return np.repeat(np.arange(len(self.rows)), self.lengths)

    def repeated(self, ids: Array) -> Array:
        """Places of the flat array whose value in `ids` stands earlier in the same list too.

        Lists usually rise; only those that do not are looked at closely.
        """
        index = self.index()
        falls = np.flatnonzero((ids[1:] <= ids[:-1]) & (index[1:] == index[:-1])) + 1
        suspects = np.zeros(len(self), dtype=bool)
        suspects[index[falls]] = True
        flat = np.flatnonzero(suspects[index]) if len(falls) else falls
        flat = flat[np.lexsort((flat, ids[flat], index[flat]))]
        same = (index[flat][1:] == index[flat][:-1]) & (ids[flat][1:] == ids[flat][:-1])
        repeated: Array = flat[1:][same]
        return repeated


def collect(part: Part, frame: Frame) -> Lists:
    """The lists of the successful reads of sets, logs and orders in `part`."""
    readable = (frame["kind"] == Kind.READ) & (frame.outcome == Outcome.OK)
    readable &= (frame["read_wid"] != NOTHING) & _is_list(frame.model)
    rows = np.flatnonzero(readable & part.listed[frame.order])
    chosen = frame.order[rows]
    begins = part.offsets[chosen]
    lengths = part.offsets[chosen + 1] - begins
    starts = np.cumsum(lengths) - lengths
    total = int(lengths.sum())
    flat = np.arange(total) + np.repeat(begins - starts, lengths)
    ids = part.values[flat]
    row_of = np.repeat(rows, lengths)
    item, misplaced = _resolve(frame, row_of, ids)
    return Lists(
        rows=rows,
        starts=starts,
        lengths=lengths,
        row_of=row_of,
        ids=ids,
        item=item,
        misplaced=misplaced,
        logical=_logical(part, chosen, lengths),
    )


def _is_list(model: Array) -> Array:
    return (model >= Model.SET) & (model <= Model.ORDERS)


def _resolve(frame: Frame, row_of: Array, ids: Array) -> tuple[Array, Array]:
    sess = frame.sess[row_of]
    own = ids <= LAST_ID
    item = frame.writer.row(sess, np.where(own, ids, 0))
    kind = frame["kind"][item]
    fits = (frame.obj[item] == frame.obj[row_of]) & ((kind == Kind.ADD) | (kind == Kind.APPEND))
    misplaced = (item != NONE) & ~fits
    return np.where(fits, item, NONE), misplaced & own


def _logical(part: Part, chosen: Array, lengths: Array) -> Array:
    begins = part.logical_offsets[chosen]
    given = part.logical_offsets[chosen + 1] - begins
    if not len(part.logical_values) or not given.any():
        return np.zeros(0, dtype=np.uint32)
    logical = np.zeros(int(lengths.sum()), dtype=np.uint32)
    whole = given == lengths
    starts = np.cumsum(lengths) - lengths
    kept = np.where(whole, lengths, 0)
    within = np.arange(int(kept.sum())) - np.repeat(np.cumsum(kept) - kept, kept)
    logical[np.repeat(starts, kept) + within] = part.logical_values[
        np.repeat(begins, kept) + within
    ]
    return logical
