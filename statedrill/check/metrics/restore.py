"""What a promised restore had to bring back, and did not.

Knows the lost sessions and writes, and the moment before which nothing may be lost; decides no
clause.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.base import CheckResults
from statedrill.check.checks.lost_sessions import LostSessions, may_have_expired
from statedrill.check.checks.lost_writes import LostWrites, deciding_reads, missing_by_audit
from statedrill.check.checks.resurrected_sessions import ResurrectedSessions
from statedrill.check.context import RestoreObjective
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NONE, Array
from statedrill.check.relations.signing import sign_in_before, sign_out_before


def restorable(results: CheckResults) -> dict[str, int]:
    """How many writes and sessions a promised restore had to bring back, and did not.

    A session counts when it was shown lost after the restore: until then, it is only away. What
    another failure may have lost that began later than it was acknowledged is counted apart.
    """
    obs, table = results.given.observations, results.given.observations.table
    restore = results.given.context.restore
    if restore is None:
        return {}
    at = np.minimum(obs.acknowledged_at, table.ret.max(initial=1))
    young_ns = restore.confirmed_by_ns
    old = obs.acknowledged & (table.clock.ns(at) < restore.point_ns)
    # What waits in a queue is not in the service yet that was restored.
    old |= obs.confirmed & (table.clock.ns(at) < young_ns)
    lost = results.of(LostWrites).violation & old
    other_ns = -1 if restore.other_ns is None else restore.other_ns
    otherwise = table.clock.ns(at) < other_ns
    if restore.recorded_ns is not None:
        rows = np.flatnonzero(lost)
        lost &= missing_by_audit(obs, rows, deciding_reads(obs)) | ~_shared(obs, rows, young_ns)
    sessions = results.of(LostSessions)
    sign_in = obs.cached(sign_in_before)
    shown = np.flatnonzero(sessions.loss & (sign_in != NONE))
    shown = shown[
        (table.clock.ns(table.ret[sign_in[shown]]) < young_ns)
        & (table.clock.ns(table.call[shown]) >= restore.restored_ns)
    ]
    given_up = table.clock.ns(table.ret) >= young_ns
    given_up &= table.clock.ns(table.call) < restore.restored_ns
    shown = shown[~may_have_expired(results.given, shown, ~given_up)]
    elsewhere = table.clock.ns(table.ret[sign_in[shown]]) < other_ns

    def lost_sessions(of: Array) -> int:
        starts = table.mask(table.session_starts[table.session_of[of]])
        return int((sessions.violation & starts).sum())

    return {
        "restorable": int(old.sum()),
        "lost_restorable": int((lost & ~otherwise).sum()),
        "sessions_lost_restorable": lost_sessions(shown[~elsewhere]),
        "lost_otherwise": int((lost & otherwise).sum()) + lost_sessions(shown[elsewhere]),
        "sign_outs_lost_restorable": _undone(results, restore),
    }


def _undone(results: CheckResults, restore: RestoreObjective) -> int:
    """The sessions that their users had ended before the restore point, and that are back."""
    table = results.given.observations.table
    back = np.flatnonzero(results.of(ResurrectedSessions).back)
    sign_out = results.given.observations.cached(sign_out_before)[back]
    done_ns, seen_ns = table.clock.ns(table.ret[sign_out]), table.clock.ns(table.call[back])
    return len(np.unique(table.session_of[back[restore.must_be_back(done_ns, seen_ns)]]))


def _shared(obs: Observations, rows: Array, since_ns: int) -> Array:
    """Mask of those of the writes `rows` whose version a write acknowledged later became, too.

    After a wipe the versions begin anew, until the restore takes back what was written meanwhile.
    """
    table = obs.table
    at = np.minimum(obs.acknowledged_at, table.ret.max(initial=1))
    later = np.flatnonzero(obs.acknowledged & (table.clock.ns(at) >= since_ns))

    def places(of: Array) -> Array:
        place: Array = (table.object_of[of] << 32) | obs.write_version[of]
        return place

    known = rows[obs.write_version[rows] != NONE]
    later = later[obs.write_version[later] != NONE]
    return table.mask(known[np.isin(places(known), places(later))])
