"""The four session guarantees (Terry et al. 1994), for each lane of a session and each object.

older(u, v): ver(u) < ver(v) where both versions are known, else F(u) < S(v).

- read your writes: broken by a read of v when an own write w was confirmed before it, older(v, w),
  or by a list that lacks an element of an own confirmed add;
- monotonic reads: broken by a read of v when an own earlier read showed v', older(v, v'), or by a
  list that lacks an element that an own earlier read showed, with nothing sent that removes it;
- writes follow reads: broken by an own confirmed write w after an own read of v, ver(w) <= ver(v);
- monotonic writes: broken by an own confirmed write w2 after an own confirmed w1 where
  ver(w2) < ver(w1), or where a log shows them reversed.

A write that was only accepted promises durability, so it counts for monotonic writes, but not for
read your writes: reads that miss one are marked apart ("as if accepted meant visible").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.checks.log_order import reversed_pairs
from statedrill.check.checks.marks import Marks
from statedrill.check.checks.missing_elements import absent
from statedrill.check.index.observations import NONE, Case
from statedrill.check.index.precedence import Returned, lanes
from statedrill.check.numeric.stable_sort import Array
from statedrill.vocabulary import Outcome


@dataclass
class Lanes:
    """What each lane had seen and written before each of its calls; made once per case."""

    returned: Returned
    group: Array


def by_lane(case: Case) -> Lanes:
    """The lanes of the case's frame."""
    group = lanes(case.frame)
    return Lanes(Returned(case.frame, group), group)


def read_your_writes(case: Case, lane: Lanes) -> Marks:
    """Reads against the lane's own confirmed writes; evidence "accepted" marks the reads that
    are older than an own accepted write.
    """
    reads = np.flatnonzero(case.valid & ((case.value != NONE) | (case.shown != NONE)))
    confirmed = case.acked & (case.frame.outcome == Outcome.OK)
    opportunity, violation = _older_than_own(case, lane, reads, confirmed, True)
    marks = _marks(case, reads, opportunity, violation)
    lacking = case.once(absent)
    marks.violation[lacking.rows[lacking.own_write]] = True
    missing = np.zeros(len(case.frame), dtype=bool)
    if case.promised.any():
        _, late = _older_than_own(case, lane, reads, case.promised, False)
        missing[reads] = late
    marks.opportunity |= marks.violation
    marks.evidence["accepted"] = missing
    return marks


def monotonic_reads(case: Case, lane: Lanes) -> Marks:
    """Reads against what the lane had read before."""
    usable = case.valid & ((case.value != NONE) | (case.shown != NONE))
    reads = np.flatnonzero(usable)
    start = np.where(case.value != NONE, case.start[case.value], 0)
    counted = lane.returned.greatest(usable, np.zeros(len(case.frame), dtype=np.int64), reads)
    older = _older(case, lane, reads, (usable, start, case.shown))
    marks = _marks(case, reads, counted != NONE, older)
    lacking = case.once(absent)
    marks.violation[lacking.rows[lacking.own_read]] = True
    marks.opportunity |= marks.violation
    return marks


def writes_follow_reads(case: Case, lane: Lanes) -> Marks:
    """Confirmed writes against what the lane had read before."""
    writes = np.flatnonzero((case.acked | case.accepted) & (case.shown != NONE))
    newest = lane.returned.greatest(case.valid & (case.shown != NONE), case.shown, writes)
    return _marks(case, writes, newest != NONE, case.shown[writes] <= newest)


def monotonic_writes(case: Case, lane: Lanes) -> Marks:
    """Confirmed writes against those that the lane had confirmed before."""
    confirmed = case.acked | case.accepted
    writes = np.flatnonzero(confirmed & (case.shown != NONE))
    own = case.answered & (case.shown != NONE)
    newest = lane.returned.greatest(own, case.shown, writes)
    marks = _marks(case, writes, newest != NONE, case.shown[writes] < newest)
    swapped = reversed_pairs(case, lane.group)
    marks.violation |= swapped
    marks.opportunity |= swapped
    return marks


def _older_than_own(
    case: Case, lane: Lanes, reads: Array, writes: Array, replays: bool
) -> tuple[Array, Array]:
    """Whether each read had an own one of `writes` before it, and whether it is older than one."""
    size = len(case.frame)
    confirming = writes & case.answered
    start, version = case.frame.call, case.version[:size]
    if replays and case.replay.any():
        confirming, start, version = _with_replays(case, confirming)
    counted = lane.returned.greatest(confirming, np.zeros(size, dtype=np.int64), reads)
    return counted != NONE, _older(case, lane, reads, (confirming, start, version))


def _with_replays(case: Case, confirming: Array) -> tuple[Array, Array, Array]:
    """A replay stands for the write that it confirms."""
    replays = np.flatnonzero(case.replay)
    confirming = confirming.copy()
    confirming[replays] = True
    start, version = case.frame.call.copy(), case.version[: len(case.frame)].copy()
    start[replays] = case.frame.call[case.target[replays]]
    version[replays] = case.version[case.target[replays]]
    return confirming, start, version


def _older(case: Case, lane: Lanes, reads: Array, others: tuple[Array, Array, Array]) -> Array:
    """Whether each read is older than one of the `others` that its lane had before: (mask of
    rows, their S, their versions).
    """
    chosen, start, version = others
    greatest = lane.returned.greatest
    shown, value = case.shown[reads], case.value[reads]
    told = chosen & (version != NONE)
    older: Array = (shown != NONE) & (shown < greatest(told, np.maximum(version, 0), reads))
    first = np.where(value != NONE, case.first[value], np.iinfo("i8").max)
    if not told[chosen].all():
        older |= first < greatest(chosen & ~told, start, reads)
    silent = np.flatnonzero(shown == NONE)
    if len(silent):
        older[silent] |= first[silent] < greatest(chosen, start, reads[silent])
    return older


def _marks(case: Case, rows: Array, opportunity: Array, violation: Array) -> Marks:
    size = len(case.frame)
    marks = Marks(np.zeros(size, dtype=bool), np.zeros(size, dtype=bool))
    marks.opportunity[rows] = opportunity
    marks.violation[rows] = violation & opportunity
    return marks
