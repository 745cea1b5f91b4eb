"""Lost acknowledged writes: what the audit no longer shows.

The last successful audit read of an object decides. A write w acknowledged before it is lost iff

- the read shows an older state: ver(read) < ver(w), or, where a version is not known, F(v) < S(w)
  for the value v it shows;
- or the same version with another id, or two acknowledged writes share a version: versions count
  the applied writes of one line of history, so all but one of these were wiped (the latest is
  taken for the survivor, unless the audit shows another one of them);
- or a list lacks it: an element of a set that nothing may have removed, or an entry of a log
  (an order is there when any attempt of its logical action is).

What the list shows is not lost, whatever its version says, and neither is the last write shown.
Content that is gone while its record is there (ABSENT) counts as the version before the record's;
without a version only the last write is lost, and only where no unknown write may have made the
record. Writes of objects without a successful audit read are unaudited, and so is, where another
session's write was shown after the last of these (a leak), what was still there before: what that
response hides is not known. Accepted writes that are missing while the queue was not drained are
unsettled. All these are unknown, never lost. What lived in a session that may have expired before
the audit read is not lost either (`relations/session_expiry.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.checks.base import Check, CheckInput, CheckResult, Mask
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NONE, Array
from statedrill.check.relations.session_expiry import expired_between
from statedrill.check.relations.set_removals import earliest_possible_removal
from statedrill.check.relations.version_order import shared_versions
from statedrill.history.operation import ABSENT
from statedrill.vocabulary import Kind, Outcome, Phase


@dataclass(kw_only=True, eq=False)
class LostWritesResult(CheckResult):
    """`unaudited` are acknowledged writes that no audit read decides on, of them `hidden` those
    for which the audit was shown a leak; `unsettled` are missing ones that a queue may still hold;
    `suspected` are confirmed writes that the last read of an object without audit no longer shows.
    """

    unaudited: Mask
    hidden: Mask
    unsettled: Mask
    suspected: Mask


class LostWrites(Check[LostWritesResult]):
    """Acknowledged writes against the audit."""

    name = "lost-writes"
    class_ = "lost"
    unit = "writes"
    term = "lost write"
    meaning = (
        "An acknowledged write whose effect the audit did not find, though nothing newer "
        "replaced it."
    )
    clause = Clause.SURVIVES
    harm = "of {acknowledged:,} acknowledged writes lost"
    doubts = ("record", "audit")
    result_type = LostWritesResult

    def find(self, given: CheckInput) -> LostWritesResult:
        """Opportunities are the writes acknowledged before the audit read that decides."""
        obs, table = given.observations, given.observations.table
        deciding = obs.cached(deciding_reads)
        audit = deciding[table.object_of]
        rows = np.flatnonzero(obs.acknowledged & (audit != NONE))
        rows = rows[obs.acknowledged_at[rows] < table.call[audit[rows]]]
        missing = _missing(obs, rows, deciding)
        gone = np.flatnonzero(missing)
        ttl_ns = given.context.state_ttl_ns
        missing[gone] = ~expired_between(obs, ttl_ns, gone, audit[gone])
        hidden = _leaked_last(obs)[table.object_of]
        audited = _audited(obs, deciding)[table.object_of] & (missing | ~hidden)
        settled = obs.confirmed | given.context.drained
        return LostWritesResult.of(
            len(table),
            opportunity=table.mask(rows) & audited & settled,
            violation=missing & audited & settled,
            unaudited=obs.acknowledged & ~audited,
            hidden=obs.acknowledged & ~audited & hidden,
            unsettled=missing & audited & ~settled,
            suspected=missing & ~audited & obs.confirmed,
        )

    def explain(
        self, given: CheckInput, result: LostWritesResult, row: int, describe: Describer
    ) -> Explanation:
        """The write, and the audit read that decides; also a write that became its version."""
        obs, table = given.observations, given.observations.table
        audit = int(obs.cached(deciding_reads)[table.object_of[row]])
        how = "accepted" if obs.accepted[row] else "confirmed"
        begin = (
            f"session {describe.session(row)} had {describe.op(row)} {describe.wid(row)}"
            f"{describe.version(row)} {how} at {describe.at(row)}; "
        )
        shown, version = int(obs.observed_version[audit]), int(obs.write_version[row])
        same = np.flatnonzero((table.object_of == table.object_of[row]) & obs.acknowledged)
        rivals = same[(obs.write_version[same] == version) & (same != row)]
        if version != NONE and len(rivals) and shown >= version:
            rival = int(rivals[-1])
            return Explanation(
                [row, rival, audit],
                f"{begin}{describe.wid(rival)}, too, became version {version}, and the audit at "
                f"{describe.at(audit)} found {describe.shows(audit)}.",
            )
        older = NONE < shown < version and table["read_wid"][audit] != ABSENT
        thing = describe.object(row)
        found = f"an older state of its {thing}" if older else f"its {thing} without it"
        return Explanation(
            [row, audit],
            f"{begin}the audit at {describe.at(audit)} found {found}: {describe.shows(audit)}.",
        )

    def clean_opportunities(self, clean: CleanObjects) -> LostWritesResult:
        """Every write before an audit read."""
        audited = np.arange(len(clean.table)) < clean.audit_read
        return LostWritesResult.of(
            len(clean.table),
            opportunity=clean.writes & audited,
            unaudited=clean.writes & (clean.audit_read == NONE),
        )


def deciding_reads(obs: Observations) -> Array:
    """Per object the row of its last successful read, an audit's where there is one, and one with
    a list where there is one among these; NONE where there is none.
    """
    table = obs.table
    found = np.full(table.objects, NONE, dtype=np.int64)
    audit = obs.valid & (table["phase"] >= Phase.AUDIT)
    with_list = table.mask(obs.lists.rows)
    for chosen in (obs.valid, obs.valid & with_list, audit, audit & with_list):
        rows = np.flatnonzero(chosen)
        found[table.object_of[rows]] = rows  # rows of an object are in the order of their call
    return found


def _audited(obs: Observations, deciding: Array) -> Array:
    """Per object whether an audit read decides."""
    audited: Array = (deciding != NONE) & (obs.table["phase"][deciding] >= Phase.AUDIT)
    return audited


def _leaked_last(obs: Observations) -> Array:
    """Per object whether a leak is the last that an audit was shown of it."""
    table = obs.table
    leaked = np.zeros(table.objects, dtype=bool)
    shown = obs.valid | (obs.read & obs.leak)
    rows = np.flatnonzero(shown & (table["phase"] >= Phase.AUDIT))
    leaked[table.object_of[rows]] = obs.leak[rows]  # in the order of their call
    return leaked


def _missing(obs: Observations, rows: Array, deciding: Array) -> Array:
    """Mask of those of the writes `rows` that the read which decides does not show."""
    kept = _listed(obs, deciding) | _current(obs, deciding)
    missing = _outdated(obs, rows, deciding)
    spare = rows[~missing[rows] & (obs.write_version[rows] != NONE)]
    conflicting = obs.table.mask(shared_versions(obs, spare, kept)) & ~kept
    return conflicting | missing_by_audit(obs, rows, deciding)


def missing_by_audit(obs: Observations, rows: Array, deciding: Array) -> Array:
    """Mask of those of the writes `rows` of which the read alone shows that they are gone.

    Of two writes that became the same version it does not show which one is.
    """
    missing = _outdated(obs, rows, deciding)
    audit = deciding[obs.table.object_of[rows]]
    missing[_not_in_list(obs, rows, audit, _listed(obs, deciding))] = True
    return missing


def _outdated(obs: Observations, rows: Array, deciding: Array) -> Array:
    """Mask of those of `rows` that a read of an older state, or of none, does not show."""
    audit = deciding[obs.table.object_of[rows]]
    missing = obs.table.mask(rows[_older(obs, rows, audit) | _content_gone(obs, rows, audit)])
    outdated: Array = missing & ~(_listed(obs, deciding) | _current(obs, deciding))
    return outdated


def _older(obs: Observations, rows: Array, audit: Array) -> Array:
    """Whether the audit read beside each write shows an older state."""
    table = obs.table
    version, shown = obs.write_version[rows], obs.observed_version[audit]
    value = obs.observed_write[audit]
    known = (version != NONE) & (shown != NONE)
    other = (value != NONE) & (value < len(table)) & (value != rows)
    visible_by = np.where(value != NONE, obs.visible_by[value], table.clock.top)
    by_version = (shown < version) | ((shown == version) & other)
    older: Array = np.where(known, by_version, visible_by < table.call[rows])
    return older


def _content_gone(obs: Observations, rows: Array, audit: Array) -> Array:
    """The last acknowledged write of an object whose content is gone and shows no version."""
    table = obs.table
    gone: Array = (table["read_wid"][audit] == ABSENT) & (obs.observed_version[audit] == NONE)
    if not gone.any():
        return gone
    doubtful = np.zeros(table.objects, dtype=bool)
    unknown = obs.may_apply & (table.outcome == Outcome.UNKNOWN) & ~obs.confirmed
    doubtful[table.object_of[unknown]] = True
    latest = np.full(table.objects, NONE, dtype=np.int64)
    latest[table.object_of[rows]] = rows
    gone &= ~doubtful[table.object_of[rows]] & (latest[table.object_of[rows]] == rows)
    return gone


def _listed(obs: Observations, deciding: Array) -> Array:
    """Mask of the writes that the deciding read's list shows, under the id of any attempt."""
    table, lists = obs.table, obs.lists
    decides = deciding[table.object_of[lists.rows]] == lists.rows
    shown = lists.write_row[np.repeat(decides, lists.lengths)]
    shown = shown[shown != NONE]
    return table.mask(shown) | _as_another_attempt(obs, shown)


def _as_another_attempt(obs: Observations, shown: Array) -> Array:
    """Mask of the writes whose logical action a list shows under the id of some attempt."""
    table = obs.table
    key = (table.object_of << 32) | table["logical"]
    shown = shown[table["logical"][shown] != 0]
    rows = np.flatnonzero(obs.may_apply & (table["logical"] != 0))
    return table.mask(rows[np.isin(key[rows], key[shown])])


def _current(obs: Observations, deciding: Array) -> Array:
    """Mask of the writes that the deciding read shows as the last one."""
    current = obs.observed_write[deciding[deciding != NONE]]
    return obs.table.mask(current[(current != NONE) & (current < len(obs.table))])


def _not_in_list(obs: Observations, rows: Array, audit: Array, listed: Array) -> Array:
    """Those of `rows` that the deciding list lacks although nothing may have removed them."""
    table = obs.table
    with_list = table.mask(obs.lists.rows)
    kind = table["kind"][rows]
    entry = ((kind == Kind.ADD) | (kind == Kind.APPEND)) & with_list[audit]
    removal = obs.cached(earliest_possible_removal)[rows]
    not_removed = entry & (removal >= table.ret[audit])
    lacking: Array = rows[not_removed & ~listed[rows]]
    return lacking
