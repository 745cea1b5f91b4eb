"""How long until it worked again: per session, and the figures RPO and RTO of the drill.

- RPO: for the lost writes L, `rpo_s` is the greatest age in L: from a write's acknowledgement to
  the begin of the next fault, which is the first that can have lost it. `rpo_writes` = |L|; those
  acknowledged after the last fault began have no such age, and are a number of their own. |L| = 0
  means none observed among n exposed writes (acknowledged before the last fault began): the rate
  is below 3/n at 95 % (rule of three).
- RTO of state: for the first fault's begin t0, the last call of a bad read before the audit, minus
  t0; None where state was lost for good. RTO of availability: see `availability`.
- RTO per session: from t0 to the return of the first correct operation after the session's last
  bad one; sessions without one are censored (Kaplan-Meier), never dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from statedrill.check.aggregate import PartitionResult
from statedrill.check.context import CheckContext
from statedrill.check.index.operations import OperationTable
from statedrill.check.metrics.record import Recovery
from statedrill.check.numeric.arrays import NEVER, Array
from statedrill.vocabulary import Outcome, Phase


def recoveries(
    table: OperationTable, bad_answers: Array, fault_ns: int | None
) -> tuple[list[int], list[int]]:
    """(recovery times, censoring times) in ns of the sessions with a bad operation after the
    fault and before the audit. Bad is what did not succeed, or answered what it must not.
    """
    if fault_ns is None or len(table) == 0:
        return [], []
    calls = table.clock.ns(table.call)
    during = (calls >= fault_ns) & (table["phase"] <= Phase.RECOVERY)
    failed = (table.outcome == Outcome.FAILED) | (table.outcome == Outcome.UNKNOWN)
    bad = during & (failed | bad_answers)
    if not bad.any():
        return [], []
    last_bad = np.full(table.sessions, -1, dtype=np.int64)
    np.maximum.at(last_bad, table.session_of[bad], table.ret[bad])
    good = (
        during
        & ~bad
        & (last_bad[table.session_of] >= 0)
        & (table.call >= last_bad[table.session_of])
    )
    never = NEVER
    well = np.full(table.sessions, never)
    np.minimum.at(well, table.session_of[good], table.ret[good])
    recovered = well[(last_bad >= 0) & (well < never)]
    censored = last_bad[(last_bad >= 0) & (well == never)]
    since_fault = (table.clock.ns(ticks) - fault_ns for ticks in (recovered, censored))
    well_ns, ill_ns = (ticks.tolist() for ticks in since_fault)
    return well_ns, ill_ns


def next_fault_ns(moments_ns: Array, context: CheckContext) -> Array:
    """For each moment, when the first fault after it began; NEVER where none did."""
    begins = np.array([*context.fault_begins_ns, NEVER])
    return begins[np.searchsorted(begins[:-1], moments_ns, side="right")]


def median_survival(recovered: Sequence[int], censored: Sequence[int]) -> float | None:
    """The Kaplan-Meier median: the earliest time by which half have recovered; None if never."""
    if not recovered:
        return None
    times, deaths = np.unique(np.asarray(recovered), return_counts=True)
    everyone = np.sort(np.concatenate([recovered, censored]))
    at_risk = len(everyone) - np.searchsorted(everyone, times, side="left")
    survival = np.cumprod(1 - deaths / at_risk)
    reached = np.flatnonzero(survival <= 0.5 + 1e-12)
    return float(times[reached[0]]) if len(reached) else None


def recovery(
    total: PartitionResult, context: CheckContext, rto_availability_s: float | None
) -> Recovery[int]:
    """The key "recovery" of the verdict."""
    lost = total.counts["lost"]
    median = median_survival(total.recovered_ns, total.censored_ns)
    exposed = total.counts["exposed"]
    return {
        "rto_availability_s": rto_availability_s,
        "rto_state_s": _rto_state_s(total, context),
        "rto_sessions_s": {
            "p50": None if median is None else round(median / 1e9, 3),
            "affected": len(total.recovered_ns) + len(total.censored_ns),
            "censored": len(total.censored_ns),
        },
        "rpo_s": _rpo_s(total, context),
        "rpo_writes": lost,
        "lost_after_fault": total.counts["lost_after_fault"],
        "exposed_writes": exposed,
        "loss_rate_below": 3 / exposed if exposed and not lost else None,
    }


def _rpo_s(total: PartitionResult, context: CheckContext) -> float | None:
    if context.fault_ns is None:
        return None
    return round(total.greatest.get("lost_age_ns", 0) / 1e9, 3)


def _rto_state_s(total: PartitionResult, context: CheckContext) -> float | None:
    if context.fault_ns is None or total.counts["lost"]:
        return None
    last = total.greatest.get("bad_read_ns", context.fault_ns)
    return round((last - context.fault_ns) / 1e9, 3)
