"""Witnesses of order: a state or a write that came too late, too early, or in two orders.

Looks again at the one object concerned, by the definition.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import Look
from statedrill.check.checks.missing_elements import absent, lacking
from statedrill.check.checks.register_zones import conflicts
from statedrill.check.index.describe import Found, Teller
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array
from statedrill.vocabulary import Outcome


def _newest_own(look: Look, row: int, chosen: Array) -> int:
    """The row of `chosen` in the same lane and object, returned before `row`, that is newest."""
    case, same = look.case, _before(look, row, chosen)
    value = np.where(case.value[same] != NONE, case.value[same], same)
    return int(same[np.lexsort((case.start[value], case.shown[same]))[-1]])


def _before(look: Look, row: int, chosen: Array) -> Array:
    """The rows of `chosen` in the same lane and object that returned before `row`."""
    frame = look.case.frame
    same = np.flatnonzero(
        chosen & (frame.obj == frame.obj[row]) & (frame["lane"] == frame["lane"][row])
    )
    before: Array = same[frame.ret[same] < frame.call[row]]
    return before


def _newest_confirmed(look: Look, row: int, own: Array) -> tuple[int, int]:
    """The newest own write that the read `row` surely is older than, and the answer that
    confirmed it: its own, or the replay of a later attempt.
    """
    case, frame = look.case, look.case.frame
    answers = _before(look, row, own & case.answered | case.replay)
    writes = np.where(case.replay[answers], case.target[answers], answers)
    start, version = frame.call[writes], case.version[writes]
    shown = int(case.shown[row])
    first = case.first[case.value[row]] if case.value[row] != NONE else np.iinfo("i8").max
    told = (version != NONE) & (shown != NONE)
    older = np.where(told, shown < version, first < start)
    newest = np.lexsort((start, version, older))[-1]
    return int(writes[newest]), int(answers[newest])


def own_write(look: Look, tell: Teller, row: int) -> Found:
    """A read against an own write that was confirmed before it."""
    case, frame = look.case, look.case.frame
    own = case.acked & (frame.outcome == Outcome.OK)
    if row in case.once(absent).rows:
        missing = lacking(case, row)
        mine = missing[own[missing] & (frame["lane"][missing] == frame["lane"][row])]
        mine = mine[frame.ret[mine] < frame.call[row]]
        if len(mine):
            return _without(look, tell, int(mine[0]), row)
    write, answer = _newest_confirmed(look, row, own)
    return list(dict.fromkeys((write, answer, row))), (
        f"session {tell.session(row)} had {tell.op(write)} {tell.wid(write)}{tell.version(answer)} "
        f"confirmed at {tell.at(answer)}, and read an older state of its {tell.object(row)} at "
        f"{tell.called(row)}: {tell.shows(row)}."
    )


def own_read(look: Look, tell: Teller, row: int) -> Found:
    """A read against an earlier own read."""
    case, frame = look.case, look.case.frame
    if row in case.once(absent).rows:
        lists = case.lists
        seen = np.isin(lists.item, lacking(case, row)) & case.valid[lists.row_of]
        reads = np.unique(lists.row_of[seen])
        reads = reads[(frame["lane"][reads] == frame["lane"][row])]
        reads = reads[frame.ret[reads] < frame.call[row]]
        if len(reads):
            first = int(reads[0])
            element = int(lists.item[seen & (lists.row_of == first)][0])
            return [first, row], (
                f"session {tell.session(row)} saw {tell.wid(element)} in its {tell.object(row)} at "
                f"{tell.at(first)}; at {tell.called(row)} it was not there, and nothing had been "
                "sent that removes it."
            )
    read = _newest_own(look, row, case.valid)
    return [read, row], (
        f"session {tell.session(row)} read {tell.shows(read)} from its {tell.object(row)} at "
        f"{tell.at(read)}, and an older state at {tell.called(row)}: {tell.shows(row)}."
    )


def _without(look: Look, tell: Teller, element: int, row: int) -> Found:
    sure = "confirmed" if look.case.acked[element] else "seen in it"
    return [element, row], (
        f"session {tell.session(row)} had {tell.op(element)} {tell.wid(element)} {sure}; its "
        f"{tell.object(row)} at {tell.called(row)} lacked it, and nothing had been sent that "
        "removes it."
    )


def write_after_read(look: Look, tell: Teller, row: int) -> Found:
    """A write against an own read before it."""
    read = _newest_own(look, row, look.case.valid)
    return [read, row], (
        f"session {tell.session(row)} read {tell.shows(read)} from its {tell.object(row)}; its "
        f"next write {tell.wid(row)} became version {int(look.case.shown[row])} all the same."
    )


def write_after_write(look: Look, tell: Teller, row: int) -> Found:
    """A write against an own write before it."""
    case = look.case
    write = _newest_own(look, row, case.acked | case.accepted)
    return [write, row], (
        f"session {tell.session(row)} wrote {tell.wid(write)} and then {tell.wid(row)} to its "
        f"{tell.object(row)}; they took effect in the other order."
    )


def stale(look: Look, tell: Teller, row: int) -> Found:
    """A read against what surely was there before its call."""
    frame = look.case.frame
    since = int(look.found["stale-reads"].evidence["since"][row])
    same = np.flatnonzero(frame.obj == frame.obj[row])
    proof = same[(frame.ret[same] == since) & (frame.call[same] < since)]
    lists = look.case.once(absent)
    if since in lists.since[lists.rows == row]:
        missing = lacking(look.case, row)
        return _without(look, tell, int(missing[np.argmin(look.case.first[missing])]), row)
    age_ms = (frame.clock.ns(frame.call[row]) - frame.clock.ns(np.array(since))) / 1e6
    newer = [int(proof[0])] if len(proof) else []
    seen = f" ({tell.op(newer[0])}, {tell.at(newer[0])})" if newer else ""
    return [*newer, row], (
        f"session {tell.session(row)} read an old state of its {tell.object(row)} at "
        f"{tell.called(row)}: {tell.shows(row)}; something newer had been there for "
        f"{age_ms:,.1f} ms{seen}."
    )


def log(look: Look, tell: Teller, row: int) -> Found:
    """A list against the longest of its log."""
    case, lists = look.case, look.case.lists
    same = lists.rows[case.frame.obj[lists.rows] == case.frame.obj[row]]
    lengths = lists.lengths[case.frame.obj[lists.rows] == case.frame.obj[row]]
    longest = int(same[np.argmax(lengths)])
    return [row, longest], (
        f"the {tell.object(row)} that session {tell.session(row)} read at {tell.at(row)} is no "
        f"beginning of the one read at {tell.at(longest)}."
    )


def shared_version(look: Look, tell: Teller, row: int) -> Found:
    """Two confirmed writes with one version."""
    case, frame = look.case, look.case.frame
    same = np.flatnonzero((frame.obj == frame.obj[row]) & case.acked)
    same = same[(case.version[same] == case.version[row]) & (same != row)]
    other = int(same[-1])
    return [row, other], (
        f"two writes of session {tell.session(row)} to its {tell.object(row)}, {tell.wid(row)} and "
        f"{tell.wid(other)}, were both confirmed as version {int(case.version[row])}."
    )


def two_versions(look: Look, tell: Teller, row: int) -> Found:
    """One write, and the first answers that give it one version and another one."""
    case, frame = look.case, look.case.frame
    version = int(case.version[row])
    about = (case.value == row) | (case.replay & (case.target == row))
    about[row] = True
    one = int(np.flatnonzero(about & (frame.ver == version) & ~frame.odd)[0])
    other = int(np.flatnonzero((case.value == row) & (case.shown != version))[0])
    how = "shown" if case.read[one] else "confirmed"
    return [row, one, other], (
        f"session {tell.session(row)} sent {tell.op(row)} {tell.wid(row)} once; it was {how} as "
        f"version {version} at {tell.at(one)}, and its {tell.object(row)} at {tell.at(other)} "
        f"showed it as version {int(case.shown[other])}."
    )


def conflict(look: Look, tell: Teller, row: int) -> Found:
    """Two states that no single order explains: the operations that give F and M of both."""
    case, frame = look.case, look.case.frame
    left, right = case.once(conflicts)
    groups = np.where(left < len(frame), frame.obj[left % max(len(frame), 1)], left - len(frame))
    pairs = np.flatnonzero(groups == frame.obj[row])
    told = f"the {tell.object(row)} of session {tell.session(row)}"
    if len(pairs) == 0:
        return [row], f"the versions that answers show of {told} fit no single order."
    rows: list[int] = []
    for value in (int(left[pairs[0]]), int(right[pairs[0]])):
        rows += _ends_of(case, value)
    return rows, f"answers show two states of {told} in both orders: no single order explains them."


def _ends_of(case: Case, value: int) -> list[int]:
    """The operations that give F and M of a value."""
    frame = case.frame
    reads = np.flatnonzero(case.value == value)
    group = np.append(reads, value) if value < len(frame) else reads
    ends = np.where(case.effective[group], frame.end[group], frame.ret[group])
    return [int(group[np.argmin(ends)]), int(group[np.argmax(frame.call[group])])]
