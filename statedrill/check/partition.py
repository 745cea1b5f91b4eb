"""Checks one partition of a history: every check, in both columns, and what its findings come to.

Every violation has exactly one primary class, that of the first row of the table that sees it.
An object whose state was lost is counted as lost writes; what breaks on it afterwards follows
from the loss and is listed apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np

from statedrill.check.aggregate import CheckCounts, PartitionResult
from statedrill.check.checks import CHECKS
from statedrill.check.checks.base import CheckResult, CheckResults, ResultWithAccepted, Scope
from statedrill.check.checks.lost_sessions import LostSessions
from statedrill.check.checks.lost_writes import LostWrites
from statedrill.check.checks.stale_reads import StaleReads
from statedrill.check.consequences import exclude_consequences
from statedrill.check.context import CheckContext
from statedrill.check.index.operations import OperationTable, session_slices
from statedrill.check.index.time_cut import surely_recorded
from statedrill.check.metrics.imbalance import by_instance
from statedrill.check.metrics.recovery import next_fault_ns, recoveries
from statedrill.check.metrics.restore import restorable
from statedrill.check.metrics.samples import queued
from statedrill.check.metrics.traffic import Traffic, measure
from statedrill.check.metrics.visibility import visibility
from statedrill.check.numeric.arrays import NEVER, Array, mask_of
from statedrill.check.numeric.histogram import Histogram
from statedrill.check.run_checks import find_witness, run_checks
from statedrill.history.columns import Names
from statedrill.history.operation import SIGNED_OUT
from statedrill.history.store import History, Part
from statedrill.vocabulary import Kind, Model, Outcome, Phase

_ROWS_OF_A_SLICE = 350_000
_ROWS_MEASURED_AT_ONCE = 400_000


def check_partition(
    history: History, number: int, context: CheckContext
) -> tuple[PartitionResult, Traffic]:
    """The findings and the traffic of part `number`."""
    return check_rows(history.part(number), history.names, history.run, context)


def check_rows(
    part: Part, names: Names, run: str, context: CheckContext
) -> tuple[PartitionResult, Traffic]:
    """The findings and the traffic of the rows of `part`."""
    slices = session_slices(part, _ROWS_OF_A_SLICE)
    found = reduce(add, [_check_slice(part, names, run, context, order) for order in slices])
    found.bins.update(queued(part, context))
    if context.instances:
        found.bins.update(by_instance(part, names, context))
    traffic = [measure(rows, names, context) for rows in _stretches(part)]
    return found, reduce(add, traffic)


def _stretches(part: Part) -> Iterator[Part]:
    """The columns of `part` in stretches: what is measured of traffic needs no lists."""
    for begin in range(0, max(len(part), 1), _ROWS_MEASURED_AT_ONCE):
        rows = slice(begin, begin + _ROWS_MEASURED_AT_ONCE)
        yield replace(part, columns={name: each[rows] for name, each in part.columns.items()})


def _check_slice(
    part: Part, names: Names, run: str, context: CheckContext, order: Array
) -> PartitionResult:
    if not context.complete:
        part, order = surely_recorded(part, order)
    results = run_checks(part, names, context, bounded=False, order=order)
    following = exclude_consequences(results)
    by_check = _counts_by_check(results, following)
    _count_bounded(part, names, results, by_check)
    for check in CHECKS:
        by_check[check.name].witness = find_witness(check, results, run)
    table = results.given.observations.table
    bad = _bad_reads(results)
    shown_bad = bad | results.of(LostSessions).loss
    recovered, censored = recoveries(table, shown_bad, context.fault_ns)
    return PartitionResult(
        by_check=by_check,
        counts=_counts(results, following),
        bins=_bins(results) | {"visibility": visibility(results, following)},
        spreads={"staleness": _staleness(results)},
        greatest=_last_bad_read(results, bad) | _oldest_loss(results),
        recovered_ns=recovered,
        censored_ns=censored,
        crashes=results.crashes,
    )


def _counts_by_check(results: CheckResults, following: Array) -> dict[str, CheckCounts]:
    table = results.given.observations.table
    claimed = np.zeros(len(table), dtype=bool)
    by_check = {}
    for check in CHECKS:
        result = results.by_name[check.name]
        # a loss is no consequence of itself, though later checks see the same rows, too
        taken = claimed | following if check.consequence_of_loss else claimed
        if check.unit == "objects":
            taken = _whole_objects(table, taken)
        own = result.violation if check.unit == "sessions" else result.violation & ~taken
        if check.unit not in ("sessions", "objects"):
            claimed |= result.violation
        by_check[check.name] = CheckCounts(
            opportunities=int(result.opportunity.sum()),
            violations=int(result.violation.sum()),
            primary=int(own.sum()),
            after_loss=int(result.consequences.sum()),
            undecided=int(result.undecided.sum()),
            only_accepted=_only_accepted(result),
            by_session=_by_session(table, result.opportunity, result.violation),
        )
    return by_check


def _only_accepted(result: CheckResult) -> int:
    return int(result.only_accepted.sum()) if isinstance(result, ResultWithAccepted) else 0


def _whole_objects(table: OperationTable, rows: Array) -> Array:
    """All rows of the objects that have one of `rows`."""
    whole: Array = table.objects_with(rows)[table.object_of]
    return whole


def _by_session(
    table: OperationTable, opportunity: Array, violation: Array
) -> Counter[tuple[int, int]]:
    """How many sessions have each pair (opportunities, violations)."""
    if table.sessions == 0:
        return Counter()
    chances = np.add.reduceat(opportunity, table.session_starts, dtype=np.int64)
    broken = np.bincount(table.session_of[violation], minlength=table.sessions)
    width = int(broken.max()) + 1
    pairs, sessions = np.unique(chances * width + broken, return_counts=True)
    return Counter(
        {
            (int(pair) // width, int(pair) % width): int(count)
            for pair, count in zip(pairs, sessions, strict=True)
            if pair
        }
    )


def _count_bounded(
    part: Part, names: Names, strict: CheckResults, by_check: dict[str, CheckCounts]
) -> None:
    """The second column: only objects with an unknown write, and sessions with an unknown sign-in
    or sign-out, can differ, so only they are looked at again.

    A correct system that is late by more than the bound would be accused here, so this column
    never decides an outcome.
    """
    obs, table = strict.given.observations, strict.given.observations.table
    unknown = table.outcome == Outcome.UNKNOWN
    signing = (table["kind"] == Kind.SIGN_IN) | (table["kind"] == Kind.SIGN_OUT)
    sessions = np.zeros(table.sessions, dtype=bool)
    sessions[table.session_of[unknown & signing]] = True
    in_session = sessions[table.session_of]
    again = _whole_objects(table, unknown & obs.may_apply) | in_session
    nothing = np.zeros(len(table), dtype=bool)
    redone = {Scope.RESPONSE: nothing, Scope.OBJECT: again, Scope.SESSION: in_session}
    for check in CHECKS:
        kept = strict.by_name[check.name].violation & ~redone[check.scope]
        by_check[check.name].bounded = int(kept.sum())
    if not again.any():
        return
    order = table.source_row[again]
    results = run_checks(part, names, strict.given.context, bounded=True, order=order)
    exclude_consequences(results)
    strict.crashes.update({**results.crashes, **strict.crashes})
    numbers = table["session"][table.session_starts[sessions]]
    mine = np.isin(results.given.observations.table["session"], numbers)
    for check in CHECKS:
        found = results.by_name[check.name].violation
        if check.scope is Scope.OBJECT:
            by_check[check.name].bounded += int(found.sum())
        elif check.scope is Scope.SESSION:
            by_check[check.name].bounded += int((found & mine).sum())


def _bad_reads(results: CheckResults) -> Array:
    """Reads that showed what they must not: not those late only against accepted writes, and not
    those of a lost state, which is bad for good and counted as lost.
    """
    bad = np.zeros(len(results.given.observations.table), dtype=bool)
    for check in CHECKS:
        if check.unit == "reads":
            bad |= results.by_name[check.name].violation
    return bad


def _counts(results: CheckResults, following: Array) -> Counter[str]:
    obs, table = results.given.observations, results.given.observations.table
    lost, sessions = results.of(LostWrites), results.of(LostSessions)
    stale = results.of(StaleReads)
    state = (table.model <= Model.ORDERS) & (table["kind"] != Kind.READ)
    owners = mask_of(table.session_of[lost.violation], table.sessions)
    masks = {
        "reads": obs.read,
        "leaked": obs.leak,
        "stale": stale.late,
        "stale_accepted": stale.only_accepted,
        "after_loss": following & (table["kind"] == Kind.READ),
        "acknowledged": obs.acknowledged,
        "accepted": obs.accepted,
        "unknown_writes": state & (table.outcome == Outcome.UNKNOWN) & ~obs.acknowledged,
        "failed_writes": state & (table.outcome == Outcome.FAILED),
        "lost": lost.violation,
        "unaudited": lost.unaudited,
        "hidden": lost.hidden,
        "unsettled": lost.unsettled,
        "suspected": lost.suspected,
        "audit_reads": obs.valid & (table["phase"] >= Phase.AUDIT),
        "unrecorded": obs.unrecorded,
        "sessions_lost": sessions.violation,
        "sessions_outage": sessions.outage,
        "sessions_expired": sessions.expired,
        "sessions_undecided": sessions.undecided,
        "sessions_with_lost_writes": owners,
    }
    counts = Counter({name: int(mask.sum()) for name, mask in masks.items()})
    counts.update(_causes(results) | restorable(results), sessions=table.sessions)
    context = results.given.context
    if context.fault_begins_ns:
        at = np.minimum(obs.acknowledged_at, table.ret.max(initial=1))
        before = obs.acknowledged & (next_fault_ns(table.clock.ns(at), context) < NEVER)
        counts["exposed"] = int(before.sum())
        counts["lost_after_fault"] = int((lost.violation & ~before).sum())
    return counts


def _first_losses(results: CheckResults) -> Array:
    """The row of the first evidence of each lost session."""
    table, sessions = results.given.observations.table, results.of(LostSessions)
    lost = np.zeros(table.sessions, dtype=bool)
    lost[table.session_of[sessions.violation]] = True
    return np.flatnonzero(sessions.first_loss & lost[table.session_of])


def _causes(results: CheckResults) -> dict[str, int]:
    """What the first evidence of each lost session showed."""
    table, first = results.given.observations.table, _first_losses(results)
    signed_out = table.server_session[first] == SIGNED_OUT
    audit = table["phase"][first] >= Phase.AUDIT
    return {
        "cause_signed_out": int((signed_out & ~audit).sum()),
        "cause_another_session": int((~signed_out & ~audit).sum()),
        "cause_audit": int(audit.sum()),
    }


def _bins(results: CheckResults) -> dict[str, Array]:
    obs, table = results.given.observations, results.given.observations.table
    context = results.given.context

    def binned(ticks: Array) -> Array:
        place = (table.clock.ns(ticks) - context.origin_ns) // context.bin_ns
        return np.bincount(np.clip(place, 0, context.bins - 1), minlength=context.bins)

    return {
        "lost_writes": binned(obs.acknowledged_at[results.of(LostWrites).violation]),
        "lost_sessions": binned(table.ret[_first_losses(results)]),
        "stale": binned(table.call[results.of(StaleReads).late]),
    }


def _staleness(results: CheckResults) -> Histogram:
    """Least ages of the stale reads, in nanoseconds."""
    table, stale = results.given.observations.table, results.of(StaleReads)
    rows = np.flatnonzero(stale.late)
    since_ns = table.clock.ns(stale.since[rows])
    return Histogram.of(np.maximum(table.clock.ns(table.call[rows]) - since_ns, 0))


def _oldest_loss(results: CheckResults) -> dict[str, int]:
    """How old the oldest lost write was when the next fault after its acknowledgement began."""
    obs, lost = results.given.observations, results.of(LostWrites).violation
    acknowledged_ns = obs.table.clock.ns(obs.acknowledged_at[lost])
    began_ns = next_fault_ns(acknowledged_ns, results.given.context)
    ages = (began_ns - acknowledged_ns)[began_ns < NEVER]
    return {"lost_age_ns": int(ages.max())} if len(ages) else {}


def _last_bad_read(results: CheckResults, bad: Array) -> dict[str, int]:
    """The last bad read that was called after the fault and before the audit."""
    table, fault_ns = results.given.observations.table, results.given.context.fault_ns
    calls_ns = table.clock.ns(table.call[bad & (table["phase"] < Phase.AUDIT)])
    if fault_ns is None or not (calls_ns >= fault_ns).any():
        return {}
    return {"bad_read_ns": int(calls_ns.max())}
