"""Which responses may be believed, and what is wrong with the others.

- A response that shows another session's id (leak), an id that was never sent, or one sent later or
  to another object (phantom), or the id of a rejected write is reported and kept out of all
  aggregates.
- A write answered with the id of an earlier attempt (a replay) was itself not applied.
- Ids of the own session that are not on record are phantoms, unless rows are known to be missing.

Knows ids; knows no time but which call came after which return.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.index.list_reads import ListReads
from statedrill.check.index.operations import OperationTable
from statedrill.check.numeric.arrays import NONE, Array
from statedrill.history.operation import ALIEN, FOREIGN, INITIAL, LAST_ID, NOTHING
from statedrill.vocabulary import Kind, Model, Outcome


@dataclass(frozen=True)
class ResponseClasses:
    """Masks over the rows of a table.

    `read`: a read that succeeded, `valid`: one that may be believed; `replay`, `may_apply`: writes
    that were answered as repetitions, and those that may have been applied; `leak`, `phantom`,
    `unrecorded`, `rejected`: what is wrong with the rest, at most one of them for each row.
    """

    read: Array
    valid: Array
    replay: Array
    may_apply: Array
    leak: Array
    phantom: Array
    unrecorded: Array
    rejected: Array


def classify_responses(table: OperationTable, lists: ListReads, complete: bool) -> ResponseClasses:
    """What kind of response each row has. `complete`: no row of these sessions is known to be
    missing.
    """
    kind, read_wid, outcome = table["kind"], table["read_wid"], table.outcome
    state = table.model <= Model.ORDERS
    write = (kind != Kind.READ) & state
    own = (read_wid > INITIAL) & (read_wid <= LAST_ID)
    answered = write & own & ((outcome == Outcome.OK) | (outcome == Outcome.ACCEPTED))
    read = (kind == Kind.READ) & (outcome == Outcome.OK) & (read_wid != NOTHING) & state
    replay = answered & (read_wid != table["wid"])
    may_apply = write & (outcome != Outcome.FAILED) & ~replay
    showing = read | answered | (table.contradictory & state)
    elsewhere, later = _misplaced(table, showing)
    not_applied = write & ~may_apply

    doubtful = (read | table.contradictory) & (table.reported_write != NONE) & ~elsewhere
    rejected = _reporting(table, not_applied, doubtful)
    leak = read_wid == FOREIGN
    phantom = elsewhere | later | ((showing | write) & (read_wid == ALIEN))
    unrecorded = showing & own & (table.reported_write == NONE)
    _add_lists(table, lists, not_applied, (leak, phantom, unrecorded, rejected))

    if complete:
        phantom |= unrecorded
    phantom &= ~leak
    rejected &= ~(leak | phantom)
    unrecorded &= ~(leak | phantom | rejected)
    valid = read & ~(leak | phantom | unrecorded | rejected)
    return ResponseClasses(read, valid, replay, may_apply, leak, phantom, unrecorded, rejected)


def _misplaced(table: OperationTable, showing: Array) -> tuple[Array, Array]:
    """Rows whose id was sent to another object, and rows whose id was sent only later."""
    rows = np.flatnonzero(showing & (table.reported_write != NONE))
    reported = table.reported_write[rows]
    elsewhere = table.mask(rows[table.object_of[reported] != table.object_of[rows]])
    later = table.mask(rows[table.call[reported] > table.ret[rows]])
    return elsewhere, later


def _reporting(table: OperationTable, writes: Array, rows: Array) -> Array:
    """Rows of the mask `rows` that report a write of the mask `writes`."""
    chosen = np.flatnonzero(rows)
    return table.mask(chosen[writes[table.reported_write[chosen]]])


def _add_lists(
    table: OperationTable,
    lists: ListReads,
    not_applied: Array,
    masks: tuple[Array, Array, Array, Array],
) -> None:
    """Adds to the masks (leak, phantom, unrecorded, rejected) the rows whose lists show that."""
    leak, phantom, unrecorded, rejected = masks
    read_row, write_row = lists.read_row, lists.write_row
    leak[read_row[lists.ids == FOREIGN]] = True
    unknown = (write_row == NONE) & (lists.ids != FOREIGN)
    alien = unknown & ((lists.ids > LAST_ID) | (lists.ids == INITIAL) | lists.misplaced)
    phantom[read_row[alien]] = True
    unrecorded[read_row[unknown & ~alien]] = True
    known = np.flatnonzero(write_row != NONE)
    writes, reads = write_row[known], read_row[known]
    phantom[reads[table.call[writes] > table.ret[reads]]] = True
    rejected[reads[not_applied[writes]]] = True
