"""Which answers may be believed, and what is wrong with the others.

- An answer that shows another session's id (leak), an id that nobody sent, or one sent later or to
  another object (phantom), or the id of a rejected write is reported and kept out of all
  aggregates.
- A write answered with the id of an earlier attempt (a replay) was itself not applied.
- Ids of the own session that are not on record are phantoms, unless rows are known to be missing.

Knows ids; knows no time but which call came after which return.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.index.list_reads import Lists
from statedrill.check.index.operations import Frame
from statedrill.check.numeric.stable_sort import Array
from statedrill.history.operation import ALIEN, FOREIGN, INITIAL, LAST_ID, NOTHING
from statedrill.vocabulary import Kind, Model, Outcome

NONE = -1


class Answers:
    """Masks over the rows of a frame.

    `read`: a read that succeeded, `valid`: one that may be believed; `replay`, `effective`: writes
    that were answered as repetitions, and those that may have been applied; `leak`, `phantom`,
    `unrecorded`, `rejected`: what is wrong with the rest, at most one of them for each row.
    """

    def __init__(self, frame: Frame, lists: Lists, complete: bool) -> None:
        kind, read_wid, outcome = frame["kind"], frame["read_wid"], frame.outcome
        state = frame.model <= Model.ORDERS
        write = (kind != Kind.READ) & state
        own = (read_wid > INITIAL) & (read_wid <= LAST_ID)
        confirmed = write & own & ((outcome == Outcome.OK) | (outcome == Outcome.ACCEPTED))
        self.read = (kind == Kind.READ) & (outcome == Outcome.OK) & (read_wid != NOTHING) & state
        self.replay = confirmed & (read_wid != frame["wid"])
        self.effective = write & (outcome != Outcome.FAILED) & ~self.replay
        answered = self.read | confirmed | (frame.odd & state)
        elsewhere, later = self._misplaced(frame, answered)
        turned_down = write & ~self.effective
        doubtful = (self.read | frame.odd) & (frame.target != NONE) & ~elsewhere
        self.rejected = self._among(frame, turned_down, doubtful)
        self.leak = read_wid == FOREIGN
        self.phantom = elsewhere | later | ((answered | write) & (read_wid == ALIEN))
        self.unrecorded = answered & own & (frame.target == NONE)
        self._lists(frame, lists, turned_down)
        if complete:
            self.phantom |= self.unrecorded
        self.phantom &= ~self.leak
        self.rejected &= ~(self.leak | self.phantom)
        self.unrecorded &= ~(self.leak | self.phantom | self.rejected)
        bad = self.leak | self.phantom | self.unrecorded | self.rejected
        self.valid = self.read & ~bad

    def _misplaced(self, frame: Frame, answered: Array) -> tuple[Array, Array]:
        """Rows whose id was sent to another object, and rows whose id was sent only later."""
        rows = np.flatnonzero(answered & (frame.target != NONE))
        target = frame.target[rows]
        elsewhere = np.zeros(len(frame), dtype=bool)
        later = np.zeros(len(frame), dtype=bool)
        elsewhere[rows] = frame.obj[target] != frame.obj[rows]
        later[rows] = frame.call[target] > frame.ret[rows]
        return elsewhere, later

    def _among(self, frame: Frame, writes: Array, rows: Array) -> Array:
        """Rows of the mask `rows` whose target is in the mask `writes`."""
        found = np.zeros(len(frame), dtype=bool)
        index = np.flatnonzero(rows)
        found[index] = writes[frame.target[index]]
        return found

    def _lists(self, frame: Frame, lists: Lists, turned_down: Array) -> None:
        self.leak[lists.row_of[lists.ids == FOREIGN]] = True
        unknown = (lists.item == NONE) & (lists.ids != FOREIGN)
        alien = unknown & ((lists.ids > LAST_ID) | (lists.ids == INITIAL) | lists.misplaced)
        self.phantom[lists.row_of[alien]] = True
        self.unrecorded[lists.row_of[unknown & ~alien]] = True
        known = np.flatnonzero(lists.item != NONE)
        item, row = lists.item[known], lists.row_of[known]
        self.phantom[row[frame.call[item] > frame.ret[row]]] = True
        self.rejected[row[turned_down[item]]] = True
