"""The ids that list reads returned (a set's elements, a log's entries), flat and resolved.

Knows which write made each entry; knows no definition of any finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from statedrill.check.index.fields import Selection
from statedrill.check.index.operations import OperationTable
from statedrill.check.numeric.arrays import NONE, Array, mask_of, places_of, stretch_numbers
from statedrill.history.operation import LAST_ID, NOTHING
from statedrill.history.store import Part
from statedrill.vocabulary import Kind, Model, Outcome


@dataclass
class ListReads:
    """The lists of all reads that gave one, one after another.

    Per list: `rows` are the table rows of the reads, rising, and `lengths` how many items each
    list has. Per item, list after list: `ids` what it showed, `write_row` the row of the ADD or
    APPEND to the same object that has this id (NONE: no such), `misplaced` where the id was sent
    with another purpose; `logical` the logical id beside it (empty where none were given).
    """

    rows: Array
    lengths: Array
    ids: Array
    write_row: Array
    misplaced: Array
    logical: Array

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def starts(self) -> Array:
        """Per list the place of its first item."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def read_row(self) -> Array:
        """Per item the row of its read."""
        return np.repeat(self.rows, self.lengths)

    @cached_property
    def list_number(self) -> Array:
        """Per item the number of its list."""
        return stretch_numbers(self.lengths)

    def items_of(self, lists: Array) -> tuple[Array, Array]:
        """The places of all items of these lists, and for each its list's place in `lists`."""
        lengths = self.lengths[lists]
        return places_of(self.starts[lists], lengths), stretch_numbers(lengths)

    def repeated(self, ids: Array) -> Array:
        """Places of items whose value in `ids` stands earlier in the same list too.

        Lists usually rise; only those that do not are looked at closely.
        """
        number = self.list_number
        falls = np.flatnonzero((ids[1:] <= ids[:-1]) & (number[1:] == number[:-1])) + 1
        suspects = mask_of(number[falls], len(self))
        flat = np.flatnonzero(suspects[number]) if len(falls) else falls
        flat = flat[np.lexsort((flat, ids[flat], number[flat]))]
        same = (number[flat][1:] == number[flat][:-1]) & (ids[flat][1:] == ids[flat][:-1])
        repeated: Array = flat[1:][same]
        return repeated

    @cached_property
    def repeated_ids(self) -> Array:
        """Places of items whose id stands earlier in the same list too."""
        return self.repeated(self.ids)

    @cached_property
    def with_repeats(self) -> Array:
        """Per list whether it shows an id more than once: its length says little then."""
        return mask_of(self.list_number[self.repeated_ids], len(self))

    def select(self, chosen: Selection) -> ListReads:
        """Only the lists of the rows in `chosen`."""
        rows = chosen.new_number[self.rows]
        kept = rows != NONE
        items = np.repeat(kept, self.lengths)
        return ListReads(
            rows=rows[kept],
            lengths=self.lengths[kept],
            ids=self.ids[items],
            write_row=chosen.new_number[self.write_row[items]],
            misplaced=self.misplaced[items],
            logical=self.logical[items] if len(self.logical) else self.logical,
        )


def collect_lists(part: Part, table: OperationTable) -> ListReads:
    """The lists of the successful reads of sets, logs and orders in `part`."""
    readable = (table["kind"] == Kind.READ) & (table.outcome == Outcome.OK)
    readable &= (table["read_wid"] != NOTHING) & _is_list(table.model)
    rows = np.flatnonzero(readable & part.listed[table.source_row])
    chosen = table.source_row[rows]
    begins = part.offsets[chosen]
    lengths = part.offsets[chosen + 1] - begins
    ids = part.values[places_of(begins, lengths)]
    write_row, misplaced = _writes_of(table, np.repeat(rows, lengths), ids)
    return ListReads(
        rows=rows,
        lengths=lengths,
        ids=ids,
        write_row=write_row,
        misplaced=misplaced,
        logical=_logical(part, chosen, lengths),
    )


def _is_list(model: Array) -> Array:
    return (model >= Model.SET) & (model <= Model.ORDERS)


def _writes_of(table: OperationTable, read_row: Array, ids: Array) -> tuple[Array, Array]:
    session_of = table.session_of[read_row]
    own = ids <= LAST_ID
    row = table.write_index.row(session_of, np.where(own, ids, 0))
    kind = table["kind"][row]
    fits = (table.object_of[row] == table.object_of[read_row]) & (
        (kind == Kind.ADD) | (kind == Kind.APPEND)
    )
    misplaced = (row != NONE) & ~fits
    return np.where(fits, row, NONE), misplaced & own


def _logical(part: Part, chosen: Array, lengths: Array) -> Array:
    begins = part.logical_offsets[chosen]
    given = part.logical_offsets[chosen + 1] - begins
    if not len(part.logical_values) or not given.any():
        return np.zeros(0, dtype=np.uint32)
    logical = np.zeros(int(lengths.sum()), dtype=np.uint32)
    kept = np.where(given == lengths, lengths, 0)
    there = places_of(np.cumsum(lengths) - lengths, kept)
    logical[there] = part.logical_values[places_of(begins, kept)]
    return logical
