"""What the rows of a frame say: which answers show what, and when each write was surely there.

A value is the write that made it; the value of a write is its row, the initial value of object x
is number `len(frame) + x`. For each value v: S(v) is the call of its write, F(v) the least moment
by which it surely was there (the write's effective end, or the return of an answer that showed
it), M(v) the greatest call of an answer that showed it as the object's state.

Rules kept here, and nowhere else:
- Only answers that may be believed (`answers`) enter any aggregate.
- A replay confirms the earlier attempt that it shows, durable and observed, at this return.
- Attempts of one logical action (the same idempotency key) are one promise: one that was accepted
  may never appear because another one took effect; `promised` leaves such attempts out.
- ABSENT (the record is there, its content gone) counts as the version before the record's.
- Absence is no value (R10): without a version it is the initial value only where nothing that
  removes was ever sent to the object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np

from statedrill.check.index.list_reads import Lists
from statedrill.check.index.operations import NEVER_BEGAN, Frame
from statedrill.check.index.responses import Answers
from statedrill.check.numeric.stable_sort import Array
from statedrill.history.operation import ABSENT, INITIAL, LAST_ID, NO_VERSION
from statedrill.vocabulary import Kind, Outcome

NONE = -1
T = TypeVar("T")


@dataclass
class Case:
    """A frame with what its answers say. Arrays are per row unless told otherwise.

    `read`: a read that succeeded; `valid`: one that may be believed. `target` is the row of the
    write whose id the answer shows; `value` the value that a valid read shows (NONE: none).
    `element` is the row of the add whose element a remove names. `effective` writes may have been
    applied; `acked` are those that were confirmed by some answer (at tick `ack`), `accepted` ones
    were only queued, `promised` are those of them that must appear under their own id, `answered`
    are confirmed or accepted by the answer to this very attempt. `first`, `last` (F, M) and
    `version` are per value; `shown` is the version that a row shows (NONE: none).
    """

    frame: Frame
    lists: Lists
    read: Array
    valid: Array
    leak: Array
    phantom: Array
    unrecorded: Array
    rejected: Array
    target: Array
    element: Array
    value: Array
    replay: Array
    effective: Array
    acked: Array
    accepted: Array
    promised: Array
    answered: Array
    ack: Array
    first: Array
    last: Array
    version: Array
    shown: Array

    made: dict[Callable[[Case], Any], Any] = field(default_factory=dict)

    @cached_property
    def start(self) -> Array:
        """S of each value."""
        return np.concatenate([self.frame.call, np.zeros(self.frame.objects, dtype=np.int64)])

    def once(self, make: Callable[[Case], T]) -> T:
        """`make(self)`, made once and kept."""
        if make not in self.made:
            self.made[make] = make(self)
        return cast(T, self.made[make])


def examine(frame: Frame, lists: Lists, complete: bool) -> Case:
    """What the rows say. `complete`: no row of these sessions is known to be missing."""
    answers = Answers(frame, lists, complete)
    case = Case(
        frame=frame,
        lists=lists,
        read=answers.read,
        valid=answers.valid,
        leak=answers.leak,
        phantom=answers.phantom,
        unrecorded=answers.unrecorded,
        rejected=answers.rejected,
        target=frame.target,
        element=_elements(frame),
        value=_values(frame, answers),
        replay=answers.replay,
        effective=answers.effective,
        acked=answers.effective & (frame.outcome == Outcome.OK),
        accepted=answers.effective & (frame.outcome == Outcome.ACCEPTED),
        promised=np.zeros(0, dtype=bool),
        answered=np.zeros(0, dtype=bool),
        ack=np.full(len(frame), frame.clock.top, dtype=np.int64),
        first=np.zeros(0, dtype=np.int64),
        last=np.zeros(0, dtype=np.int64),
        version=np.zeros(0, dtype=np.int64),
        shown=np.zeros(0, dtype=np.int64),
    )
    case.answered = case.acked | case.accepted
    _acknowledge(case)
    case.promised = case.accepted & ~_has_sibling(case)
    _times(case)
    _versions(case)
    return case


def _elements(frame: Frame) -> Array:
    added = np.full(len(frame), NONE, dtype=np.int64)
    named = frame["element"]
    rows = np.flatnonzero((frame["kind"] == Kind.REMOVE) & (named > INITIAL) & (named <= LAST_ID))
    found = frame.writer.row(frame.sess[rows], named[rows])
    same = (found != NONE) & (frame.obj[found] == frame.obj[rows])
    added[rows[same]] = found[same]
    return added


def _values(frame: Frame, answers: Answers) -> Array:
    read_wid = frame["read_wid"]
    value = np.full(len(frame), NONE, dtype=np.int64)
    reads = np.flatnonzero(answers.valid)
    value[reads] = frame.target[reads]
    removing = (frame["kind"] == Kind.REMOVE) | (frame["kind"] == Kind.CLEAR)
    removed = np.zeros(frame.objects, dtype=bool)
    removed[frame.obj[removing]] = True
    blank = np.flatnonzero(answers.valid & (read_wid == INITIAL))
    ver = frame.ver[blank]
    initial = np.where(ver == NO_VERSION, ~removed[frame.obj[blank]], ver == 0)
    value[blank] = np.where(initial, len(frame) + frame.obj[blank], NONE)
    return value


def _acknowledge(case: Case) -> None:
    """Replays confirm the write that they show."""
    rows = np.flatnonzero(case.answered)
    case.ack[rows] = case.frame.ret[rows]
    replays = np.flatnonzero(case.replay)
    replays = replays[case.effective[case.target[replays]]]
    if len(replays) == 0:
        return
    confirmed = case.target[replays]
    np.minimum.at(case.ack, confirmed, case.frame.ret[replays])
    case.acked[confirmed] = True
    case.accepted[confirmed] = False


def _has_sibling(case: Case) -> Array:
    """Writes with another attempt of the same logical action that may have been applied."""
    frame = case.frame
    found = np.zeros(len(frame), dtype=bool)
    write = (frame["kind"] != Kind.READ) & (frame["logical"] != 0)
    rows = np.flatnonzero(write & (frame.outcome != Outcome.FAILED))
    key = (frame.obj[rows] << 32) | frame["logical"][rows]
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    found[rows[order[1:][same]]] = True
    found[rows[order[:-1][same]]] = True
    return found


def _times(case: Case) -> None:
    frame, lists = case.frame, case.lists
    top = frame.clock.top
    case.first = np.full(len(frame) + frame.objects, top, dtype=np.int64)
    sure = case.effective & (frame.outcome == Outcome.OK)
    confirmed, writes = np.flatnonzero(sure), np.flatnonzero(case.effective)
    case.first[confirmed] = frame.ret[confirmed]
    case.first[len(frame) :] = NEVER_BEGAN
    case.last = np.full(len(frame) + frame.objects, NEVER_BEGAN, dtype=np.int64)
    case.last[writes] = frame.call[writes]
    reads = np.flatnonzero(case.value != NONE)
    np.minimum.at(case.first, case.value[reads], frame.ret[reads])
    np.maximum.at(case.last, case.value[reads], frame.call[reads])
    replays = np.flatnonzero(case.replay)
    np.minimum.at(case.first, case.target[replays], frame.ret[replays])
    believed = np.flatnonzero(case.valid[lists.row_of] & (lists.item != NONE))
    np.minimum.at(case.first, lists.item[believed], frame.ret[lists.row_of[believed]])
    # an unknown write that was seen took effect no later than its end; unseen, perhaps never
    seen = np.flatnonzero(case.effective & ~sure & (case.first[: len(frame)] < top))
    case.first[seen] = np.minimum(case.first[seen], frame.end[seen])


def _versions(case: Case) -> None:
    """The version of each value, from its acknowledgement or else from a read that shows it."""
    frame = case.frame
    told = np.where((frame.ver == NO_VERSION) | frame.odd, NONE, frame.ver)
    reads = np.flatnonzero((case.value != NONE) & (told != NONE))
    case.version = np.full(len(frame) + frame.objects, NONE, dtype=np.int64)
    case.version[case.value[reads[::-1]]] = told[reads[::-1]]
    replays = np.flatnonzero(case.replay & (told != NONE))
    case.version[case.target[replays]] = told[replays]
    confirmed = np.flatnonzero(case.effective & (frame.outcome == Outcome.OK) & (told != NONE))
    case.version[confirmed] = told[confirmed]
    case.version[len(frame) :] = 0
    case.shown = _shown(case, told)


def _shown(case: Case, told: Array) -> Array:
    read_wid = case.frame["read_wid"]
    # a replay tells the version of an earlier write, not of the object's state now
    shown = np.full(len(told), NONE, dtype=np.int64)
    rows = np.flatnonzero(case.valid | case.effective)
    shown[rows] = told[rows]
    silent = np.flatnonzero(case.valid & (told == NONE) & (case.value != NONE))
    shown[silent] = case.version[case.value[silent]]
    writes = np.flatnonzero(case.effective & (told == NONE))
    shown[writes] = case.version[writes]
    gone = case.valid & (read_wid == ABSENT) & (told != NONE)
    shown[gone] = np.maximum(told[gone] - 1, 0)
    return shown
