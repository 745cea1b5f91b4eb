"""For one violation: the at most four operations that prove it, and the sentence that tells it.

Looks again at the one object concerned, by the definition; the counts are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from statedrill.check.aggregate import Witness
from statedrill.check.checks import witness_order
from statedrill.check.checks.base import Check, Look
from statedrill.check.checks.lost_writes import deciding_reads
from statedrill.check.checks.set_removals import surely_gone
from statedrill.check.index.describe import Found, Teller
from statedrill.check.index.observations import NONE
from statedrill.check.numeric.stable_sort import Array
from statedrill.history.operation import ABSENT, FOREIGN
from statedrill.history.store import Part
from statedrill.vocabulary import Kind


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


def _leak(look: Look, tell: Teller, row: int) -> Found:
    where = "shown" if look.case.frame["read_wid"][row] == FOREIGN else "shown, in a list,"
    return [row], (
        f"session {tell.session(row)} asked for its {tell.object(row)} at {tell.called(row)} and "
        f"was {where} a write that another session made."
    )


def _phantom(look: Look, tell: Teller, row: int) -> Found:
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


def _rejected(look: Look, tell: Teller, row: int) -> Found:
    case, lists = look.case, look.case.lists
    shown = np.append(case.target[row], lists.item[lists.row_of == row])
    shown = shown[shown != NONE]
    target = int(shown[~case.effective[shown]][0])
    return [target, row], (
        f"session {tell.session(row)} was told at {tell.at(target)} that {tell.wid(target)} was "
        f"not done, and read it from its {tell.object(row)} at {tell.at(row)}."
    )


def _lost(look: Look, tell: Teller, row: int) -> Found:
    case = look.case
    audit = int(case.once(deciding_reads)[case.frame.obj[row]])
    promised = "accepted" if case.accepted[row] else "confirmed"
    told = (
        f"session {tell.session(row)} had {tell.op(row)} {tell.wid(row)}{tell.version(row)} "
        f"{promised} at {tell.at(row)}; "
    )
    shown, version = int(case.shown[audit]), int(case.version[row])
    same = np.flatnonzero((case.frame.obj == case.frame.obj[row]) & (case.acked | case.accepted))
    rivals = same[(case.version[same] == version) & (same != row)]
    if version != NONE and len(rivals) and shown >= version:
        rival = int(rivals[-1])
        return [row, rival, audit], told + (
            f"{tell.wid(rival)}, too, became version {version}, and the audit at {tell.at(audit)} "
            f"found {tell.shows(audit)}."
        )
    if NONE < shown < version and case.frame["read_wid"][audit] != ABSENT:
        found = f"an older state of its {tell.object(row)}"
    else:
        found = f"its {tell.object(row)} without it"
    return [row, audit], told + (
        f"the audit at {tell.at(audit)} found {found}: {tell.shows(audit)}."
    )


def _session(look: Look, tell: Teller, row: int) -> Found:
    sign_in = int(look.found["lost-sessions"].evidence["sign_in"][row])
    return [sign_in, row], (
        f"session {tell.session(row)} signed in at {tell.at(sign_in)} as "
        f"{tell.signed_in_as(sign_in)}, did not sign out, and was shown {tell.signed_in_as(row)} "
        f"at {tell.at(row)}."
    )


def _duplicate(look: Look, tell: Teller, row: int) -> Found:
    case = look.case
    items = np.flatnonzero(case.lists.item == row)
    reads, times = np.unique(case.lists.row_of[items], return_counts=True)
    twice = int(reads[(times > 1) & case.valid[reads]][0])
    return [row, twice], (
        f"session {tell.session(row)} sent {tell.op(row)} {tell.wid(row)} once; its "
        f"{tell.object(row)} at {tell.at(twice)} holds it {int(times[reads == twice][0])} times."
    )


def _order_twice(look: Look, tell: Teller, row: int) -> Found:
    lists = look.case.lists
    place = int(np.flatnonzero(lists.item == row)[0])
    read = int(lists.row_of[place])
    same = (lists.row_of == read) & (lists.logical == lists.logical[place]) & (lists.item != NONE)
    attempts = [int(each) for each in lists.item[same]]
    return [*attempts[:2], read], (
        f"session {tell.session(row)} placed one order in several attempts with the same key; at "
        f"{tell.at(read)} its orders hold {len(attempts)} of them ({tell.ids(np.array(attempts))})."
    )


def _resurrected(look: Look, tell: Teller, row: int) -> Found:
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


_TELL: dict[str, Callable[[Look, Teller, int], Found]] = {
    "leaks": _leak,
    "phantoms": _phantom,
    "rejected-visible": _rejected,
    "lost-writes": _lost,
    "lost-sessions": _session,
    "duplicates": _duplicate,
    "orders-once": _order_twice,
    "resurrected": _resurrected,
    "read-your-writes": witness_order.own_write,
    "monotonic-reads": witness_order.own_read,
    "writes-follow-reads": witness_order.write_after_read,
    "monotonic-writes": witness_order.write_after_write,
    "stale-reads": witness_order.stale,
    "log-order": witness_order.log,
    "versions": witness_order.shared_version,
    "two-versions": witness_order.two_versions,
    "linearizability": witness_order.conflict,
}
