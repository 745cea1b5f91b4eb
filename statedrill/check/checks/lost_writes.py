"""Lost acknowledged writes: what the audit no longer shows.

The last successful audit read of an object decides. A write w confirmed before it is lost iff

- the read shows an older state: ver(read) < ver(w), or, where a version is not known, F(v) < S(w)
  for the value v it shows;
- or the same version with another id, or two confirmed writes share a version: versions count
  the applied writes of one line of history, so all but one of these were wiped (the latest is
  taken for the survivor, unless the audit shows another one of them);
- or a list lacks it: an element of a set that nothing may have removed, or an entry of a log
  (an order is there when any attempt of its logical action is).

What the list shows is not lost, whatever its version says, and neither is the last write shown.
Content that is gone while its record is there (ABSENT) counts as the version before the record's;
without a version only the last write is lost, and only where no unknown write may have made the
record. Writes of objects without a successful audit read are unaudited, and so is, where another
session's write was shown after the last of these (a leak), what was still there before: what that
answer hides is not known. Accepted writes that are missing while the queue was not drained are
unsettled. All these are unknown, never lost.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.marks import Marks
from statedrill.check.checks.set_removals import may_be_gone
from statedrill.check.checks.versions import shared_versions
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array
from statedrill.history.operation import ABSENT
from statedrill.vocabulary import Kind, Outcome, Phase


def lost_writes(case: Case, drained: bool) -> Marks:
    """Confirmed and accepted writes against the audit. Evidence per row: "unaudited", of them
    "hidden" those for which the audit was shown a leak, "unsettled", and "suspected", the confirmed
    writes that the last read of an object without audit no longer shows.
    """
    frame = case.frame
    confirmed = case.acked | case.accepted
    deciding = case.once(deciding_reads)
    audited = _audited(case, deciding)[frame.obj]
    audit = deciding[frame.obj]
    rows = np.flatnonzero(confirmed & (audit != NONE))
    rows = rows[case.ack[rows] < frame.call[audit[rows]]]
    missing = np.zeros(len(frame), dtype=bool)
    missing[rows] = _older(case, rows, audit[rows]) | _content_gone(case, rows, audit[rows])
    listed = _listed(case, deciding)
    kept = listed | _current(case, deciding)
    missing &= ~kept
    spare = rows[~missing[rows] & (case.version[rows] != NONE)]
    missing[shared_versions(case, spare, kept)] = True
    missing &= ~kept
    _by_list(case, rows, audit[rows], listed, missing)
    hidden = _leaked_last(case)[frame.obj]
    audited &= missing | ~hidden
    judged = np.zeros(len(frame), dtype=bool)
    judged[rows] = True
    settled = case.acked | drained
    evidence = {
        "unaudited": confirmed & ~audited,
        "hidden": confirmed & ~audited & hidden,
        "unsettled": missing & audited & ~settled,
        "suspected": missing & ~audited & case.acked,
    }
    return Marks(judged & audited & settled, missing & audited & settled, evidence)


def deciding_reads(case: Case) -> Array:
    """Per object the row of its last successful read, an audit's where there is one, and one with
    a list where there is one among these; NONE where there is none.
    """
    frame = case.frame
    found = np.full(frame.objects, NONE, dtype=np.int64)
    auditing = case.valid & (frame["phase"] >= Phase.AUDIT)
    with_list = np.zeros(len(frame), dtype=bool)
    with_list[case.lists.rows] = True
    for chosen in (case.valid, case.valid & with_list, auditing, auditing & with_list):
        rows = np.flatnonzero(chosen)
        found[frame.obj[rows]] = rows  # rows of an object are in the order of their call
    return found


def _audited(case: Case, deciding: Array) -> Array:
    """Per object whether an audit read decides."""
    audited: Array = (deciding != NONE) & (case.frame["phase"][deciding] >= Phase.AUDIT)
    return audited


def _leaked_last(case: Case) -> Array:
    """Per object whether a leak is the last that an audit was shown of it."""
    frame = case.frame
    leaked = np.zeros(frame.objects, dtype=bool)
    rows = np.flatnonzero((case.valid | (case.read & case.leak)) & (frame["phase"] >= Phase.AUDIT))
    leaked[frame.obj[rows]] = case.leak[rows]  # rows of an object are in the order of their call
    return leaked


def _older(case: Case, rows: Array, audit: Array) -> Array:
    frame = case.frame
    version, shown, value = case.version[rows], case.shown[audit], case.value[audit]
    known = (version != NONE) & (shown != NONE)
    other = (value != NONE) & (value < len(frame)) & (value != rows)
    first = np.where(value != NONE, case.first[value], frame.clock.top)
    by_version = (shown < version) | ((shown == version) & other)
    older: Array = np.where(known, by_version, first < frame.call[rows])
    return older


def _content_gone(case: Case, rows: Array, audit: Array) -> Array:
    """The last confirmed write of an object whose content is gone and shows no version."""
    frame = case.frame
    gone: Array = (frame["read_wid"][audit] == ABSENT) & (case.shown[audit] == NONE)
    if not gone.any():
        return gone
    doubtful = np.zeros(frame.objects, dtype=bool)
    unknown = case.effective & (frame.outcome == Outcome.UNKNOWN) & ~case.acked
    doubtful[frame.obj[unknown]] = True
    latest = np.full(frame.objects, NONE, dtype=np.int64)
    latest[frame.obj[rows]] = rows
    gone &= ~doubtful[frame.obj[rows]] & (latest[frame.obj[rows]] == rows)
    return gone


def _listed(case: Case, deciding: Array) -> Array:
    """Rows of writes that the deciding read's list shows."""
    frame, lists = case.frame, case.lists
    decides = deciding[frame.obj[lists.rows]] == lists.rows
    listed = np.zeros(len(frame), dtype=bool)
    shown = lists.item[np.repeat(decides, lists.lengths)]
    shown = shown[shown != NONE]
    listed[shown] = True
    return listed | _as_another_attempt(case, shown)


def _current(case: Case, deciding: Array) -> Array:
    """Rows of writes that the deciding read shows as the last one."""
    current = case.value[deciding[deciding != NONE]]
    found = np.zeros(len(case.frame), dtype=bool)
    found[current[(current != NONE) & (current < len(case.frame))]] = True
    return found


def _as_another_attempt(case: Case, shown: Array) -> Array:
    """Rows of writes whose logical action a list shows under the id of some attempt."""
    frame = case.frame
    key = (frame.obj << 32) | frame["logical"]
    shown = shown[frame["logical"][shown] != 0]
    rows = np.flatnonzero(case.effective & (frame["logical"] != 0))
    listed = np.zeros(len(frame), dtype=bool)
    listed[rows] = np.isin(key[rows], key[shown])
    return listed


def _by_list(case: Case, rows: Array, audit: Array, listed: Array, missing: Array) -> None:
    """Entries that the deciding list lacks although nothing may have removed them."""
    frame = case.frame
    with_list = np.zeros(len(frame), dtype=bool)
    with_list[case.lists.rows] = True
    kind = frame["kind"][rows]
    entry = ((kind == Kind.ADD) | (kind == Kind.APPEND)) & with_list[audit]
    gone = case.once(may_be_gone)[rows]
    kept = entry & (gone >= frame.ret[audit])
    missing[rows[kept & ~listed[rows]]] = True
