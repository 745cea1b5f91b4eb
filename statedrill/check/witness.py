"""For one violation: the at most four operations that prove it, and the sentence that tells it.

Looks again at the one object concerned, by the definition; the counts are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from statedrill.check.case import NONE, Case
from statedrill.check.lost import deciding_reads
from statedrill.check.partial import Witness
from statedrill.check.register import conflicts
from statedrill.check.sets import surely_gone
from statedrill.check.sorting import Array
from statedrill.check.table import Check, Look
from statedrill.check.telling import Teller
from statedrill.history import FOREIGN, Kind, Outcome
from statedrill.history.store import Part

_Found = tuple[list[int], str]


def find_witness(check: Check, look: Look, violation: Array, part: Part, run: str) -> Witness:
    """The witness of the earliest violation of `check`."""
    if check.by_object and look.closer and look.rows is not None:
        look, violation = look.closer, violation[look.rows]
    frame = look.case.frame
    rows = np.flatnonzero(violation)
    row = int(rows[np.argmin(frame.call[rows])])
    if check.unit == "sessions":
        row = int(look.found[check.name].evidence["first"][row])
    teller = Teller(frame, part, run, look.settings.origin_ns)
    related, sentence = _TELL[check.name](look, teller, row)
    related = sorted(dict.fromkeys(related), key=lambda each: int(frame.call[each]))[:4]
    return Witness(
        at_ns=int(frame.clock.ns(frame.call[row])),
        sentence=sentence,
        operations=[teller.operation(each) for each in related],
    )


def _leak(look: Look, tell: Teller, row: int) -> _Found:
    where = "shown" if look.case.frame["read_wid"][row] == FOREIGN else "shown, in a list,"
    return [row], (
        f"session {tell.session(row)} asked for its {tell.object(row)} at {tell.called(row)} and "
        f"was {where} a write that another session made."
    )


def _phantom(look: Look, tell: Teller, row: int) -> _Found:
    case = look.case
    target = int(case.target[row])
    if target != NONE and case.frame.call[target] > case.frame.ret[row]:
        return [row, target], (
            f"session {tell.session(row)} read {tell.wid(target)} from its {tell.object(row)} at "
            f"{tell.at(row)}, before it was sent at {tell.called(target)}."
        )
    return [row], (
        f"session {tell.session(row)} read its {tell.object(row)} at {tell.at(row)} and was shown "
        f"an id that it never sent there ({tell.shows(row)})."
    )


def _rejected(look: Look, tell: Teller, row: int) -> _Found:
    case, lists = look.case, look.case.lists
    shown = np.append(case.target[row], lists.item[lists.row_of == row])
    shown = shown[shown != NONE]
    target = int(shown[~case.effective[shown]][0])
    return [target, row], (
        f"session {tell.session(row)} was told at {tell.at(target)} that {tell.wid(target)} was "
        f"not done, and read it from its {tell.object(row)} at {tell.at(row)}."
    )


def _lost(look: Look, tell: Teller, row: int) -> _Found:
    audit = int(look.case.once(deciding_reads)[look.case.frame.obj[row]])
    promised = "accepted" if look.case.accepted[row] else "confirmed"
    return [row, audit], (
        f"session {tell.session(row)} had {tell.op(row)} {tell.wid(row)}{tell.version(row)} "
        f"{promised} at {tell.at(row)}; the audit at {tell.at(audit)} found its "
        f"{tell.object(row)} without it: {tell.shows(audit)}."
    )


def _session(look: Look, tell: Teller, row: int) -> _Found:
    sign_in = int(look.found["lost-sessions"].evidence["sign_in"][row])
    return [sign_in, row], (
        f"session {tell.session(row)} signed in at {tell.at(sign_in)} as "
        f"{tell.signed_in_as(sign_in)}, did not sign out, and was shown {tell.signed_in_as(row)} "
        f"at {tell.at(row)}."
    )


def _duplicate(look: Look, tell: Teller, row: int) -> _Found:
    case = look.case
    items = np.flatnonzero(case.lists.item == row)
    reads, times = np.unique(case.lists.row_of[items], return_counts=True)
    twice = reads[(times > 1) & case.valid[reads]]
    if len(twice):
        return [row, int(twice[0])], (
            f"session {tell.session(row)} sent {tell.op(row)} {tell.wid(row)} once; its "
            f"{tell.object(row)} at {tell.at(int(twice[0]))} holds it "
            f"{int(times[reads == twice[0]][0])} times."
        )
    shows = np.flatnonzero((case.value == row) & (case.shown != case.version[row]))
    first = int(shows[0])
    return [row, first], (
        f"session {tell.session(row)} sent {tell.op(row)} {tell.wid(row)} once, and it took effect "
        f"twice: as version {int(case.version[row])} and, as read at {tell.at(first)}, as version "
        f"{int(case.shown[first])}."
    )


def _order_twice(look: Look, tell: Teller, row: int) -> _Found:
    lists = look.case.lists
    place = int(np.flatnonzero(lists.item == row)[0])
    read = int(lists.row_of[place])
    same = (lists.row_of == read) & (lists.logical == lists.logical[place]) & (lists.item != NONE)
    attempts = [int(each) for each in lists.item[same]]
    return [*attempts[:2], read], (
        f"session {tell.session(row)} placed one order in several attempts with the same key; at "
        f"{tell.at(read)} its orders hold {len(attempts)} of them ({tell.ids(np.array(attempts))})."
    )


def _resurrected(look: Look, tell: Teller, row: int) -> _Found:
    case, lists = look.case, look.case.lists
    frame = case.frame
    gone = case.once(surely_gone)[row]
    reads = lists.row_of[lists.item == row]
    back = int(reads[(frame.call[reads] > gone) & case.valid[reads]][0])
    same = np.flatnonzero((frame.obj == frame.obj[row]) & case.effective)
    kind = frame["kind"][same]
    removing = same[(kind == Kind.CLEAR) | (frame["element"][same] == frame["wid"][row])]
    removal = int(removing[np.argmin(np.abs(case.first[removing] - gone))])
    return [row, removal, back], (
        f"session {tell.session(row)} removed {tell.wid(row)} from its {tell.object(row)}, which "
        f"was done at {tell.at(removal)}; at {tell.at(back)} it was there again."
    )


def _newest_own(look: Look, row: int, chosen: Array) -> int:
    """The row of `chosen` in the same lane and object, returned before `row`, that is newest."""
    case, frame = look.case, look.case.frame
    same = np.flatnonzero(
        chosen & (frame.obj == frame.obj[row]) & (frame["lane"] == frame["lane"][row])
    )
    same = same[frame.ret[same] < frame.call[row]]
    value = np.where(case.value[same] != NONE, case.value[same], same)
    return int(same[np.lexsort((case.start[value], case.shown[same]))[-1]])


def _own_write(look: Look, tell: Teller, row: int) -> _Found:
    case = look.case
    write = _newest_own(look, row, case.acked & (case.frame.outcome == Outcome.OK))
    return [write, row], (
        f"session {tell.session(row)} had {tell.op(write)} {tell.wid(write)}{tell.version(write)} "
        f"confirmed at {tell.at(write)}, and read an older {tell.object(row)} at "
        f"{tell.called(row)}: {tell.shows(row)}."
    )


def _own_read(look: Look, tell: Teller, row: int) -> _Found:
    read = _newest_own(look, row, look.case.valid)
    return [read, row], (
        f"session {tell.session(row)} read {tell.shows(read)} from its {tell.object(row)} at "
        f"{tell.at(read)}, and an older state at {tell.called(row)}: {tell.shows(row)}."
    )


def _write_after_read(look: Look, tell: Teller, row: int) -> _Found:
    read = _newest_own(look, row, look.case.valid)
    return [read, row], (
        f"session {tell.session(row)} read {tell.shows(read)} from its {tell.object(row)}; its "
        f"next write {tell.wid(row)} became version {int(look.case.shown[row])} all the same."
    )


def _write_after_write(look: Look, tell: Teller, row: int) -> _Found:
    case = look.case
    write = _newest_own(look, row, case.acked | case.accepted)
    return [write, row], (
        f"session {tell.session(row)} wrote {tell.wid(write)} and then {tell.wid(row)} to its "
        f"{tell.object(row)}; they took effect in the other order."
    )


def _stale(look: Look, tell: Teller, row: int) -> _Found:
    frame = look.case.frame
    since = int(look.found["stale-reads"].evidence["since"][row])
    same = np.flatnonzero(frame.obj == frame.obj[row])
    proof = same[(frame.ret[same] == since) & (frame.call[same] < since)]
    age_ms = (frame.clock.ns(frame.call[row]) - frame.clock.ns(np.array(since))) / 1e6
    newer = [int(proof[0])] if len(proof) else []
    seen = f" ({tell.op(newer[0])}, {tell.at(newer[0])})" if newer else ""
    return [*newer, row], (
        f"session {tell.session(row)} read an old {tell.object(row)} at {tell.called(row)}: "
        f"{tell.shows(row)}; something newer had been there for {age_ms:,.1f} ms{seen}."
    )


def _log(look: Look, tell: Teller, row: int) -> _Found:
    case, lists = look.case, look.case.lists
    same = lists.rows[case.frame.obj[lists.rows] == case.frame.obj[row]]
    lengths = lists.lengths[case.frame.obj[lists.rows] == case.frame.obj[row]]
    longest = int(same[np.argmax(lengths)])
    return [row, longest], (
        f"the {tell.object(row)} that session {tell.session(row)} read at {tell.at(row)} is no "
        f"beginning of the one read at {tell.at(longest)}."
    )


def _shared_version(look: Look, tell: Teller, row: int) -> _Found:
    case, frame = look.case, look.case.frame
    same = np.flatnonzero((frame.obj == frame.obj[row]) & case.acked)
    same = same[(case.version[same] == case.version[row]) & (same != row)]
    other = int(same[-1])
    return [row, other], (
        f"two writes of session {tell.session(row)} to its {tell.object(row)}, {tell.wid(row)} and "
        f"{tell.wid(other)}, were both confirmed as version {int(case.version[row])}."
    )


def _conflict(look: Look, tell: Teller, row: int) -> _Found:
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


_TELL: dict[str, Callable[[Look, Teller, int], _Found]] = {
    "leaks": _leak,
    "phantoms": _phantom,
    "rejected-visible": _rejected,
    "lost-writes": _lost,
    "lost-sessions": _session,
    "duplicates": _duplicate,
    "orders-once": _order_twice,
    "resurrected": _resurrected,
    "read-your-writes": _own_write,
    "monotonic-reads": _own_read,
    "writes-follow-reads": _write_after_read,
    "monotonic-writes": _write_after_write,
    "stale-reads": _stale,
    "log-order": _log,
    "versions": _shared_version,
    "linearizability": _conflict,
}
