"""Puts the verdict together: judges every part, adds up, and reads the drill's own events.

Parts are judged alone (every check is per session or per object), in two or more processes where
there is more than one part.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial, reduce
from typing import Any, NamedTuple

from statedrill.check.aggregate import Crash, PartitionResult
from statedrill.check.checks import CHECKS
from statedrill.check.checks.base import Check
from statedrill.check.checks.duplicates import Duplicates
from statedrill.check.checks.orders_once import OrdersOnce
from statedrill.check.checks.phantoms import Phantoms
from statedrill.check.checks.resurrected import Resurrected
from statedrill.check.checks.two_versions import TwoVersions
from statedrill.check.clauses import Clause
from statedrill.check.context import CheckContext, make_context
from statedrill.check.metrics.availability import availability
from statedrill.check.metrics.footing import footing
from statedrill.check.metrics.recovery import recovery
from statedrill.check.metrics.threshold_results import judge_thresholds
from statedrill.check.metrics.timeseries import latencies, operations, phases, series
from statedrill.check.metrics.traffic import Traffic
from statedrill.check.metrics.visibility import curve
from statedrill.check.numeric.bootstrap import interval
from statedrill.check.outcome import SCHEMA
from statedrill.check.partition import check_partition, check_rows
from statedrill.check.verdict.completeness import gaps
from statedrill.check.verdict.fault_evidence import doubts as fault_doubts
from statedrill.check.verdict.fault_evidence import faults, unplanned
from statedrill.check.verdict.promise import Doubts, clauses
from statedrill.check.verdict.sentences import reasons, summary
from statedrill.history.columns import ARROW_SCHEMA
from statedrill.history.store import History, to_part
from statedrill.vocabulary import BROKEN, GUARANTEES, HELD, UNKNOWN, Phase, worst

_MOST_PROCESSES = 3  # each holds about 350 MiB


class Judgement(NamedTuple):
    """A verdict as verdict.json has it, and the checks that crashed, with their tracebacks."""

    verdict: dict[str, Any]
    crashes: tuple[Crash, ...]


def assemble(history: History, plan: Mapping[str, Any]) -> Judgement:
    """The verdict of `history`, made under `plan`."""
    first, last = history.span()
    context = make_context(history, plan, first, last)
    total, traffic = reduce(_added, _partials(history, context))
    domain = (plan.get("experiment") or {}).get("domain")
    listed = faults(history, context)
    ground = footing(history, plan, traffic)
    doubts = _doubts(history, plan, total, context, listed)
    available, rto_s = availability(traffic, context, _load_ns(history, context))
    firm = ground["outcome"] == HELD
    verdict = {
        "schema": SCHEMA,
        "outcome": UNKNOWN,
        "summary": "",
        "why": [],
        **_names(plan),
        "sessions": _sessions(total),
        "writes": _writes(total),
        "reads": _reads(total),
        "guarantees": {name: _guarantee(total, name) for name in GUARANTEES},
        "availability": available,
        "recovery": recovery(total, context, rto_s),
        **latencies(traffic),
        "operations": operations(traffic, history.names),
        "faults": listed,
        "promise": clauses(plan, total, doubts),
        "thresholds": judge_thresholds(total, traffic, context, firm, not doubts.audit),
        "footing": ground,
        "findings": _findings(total, plan, doubts),
        "phases": phases(history, context),
        "series": series(total, traffic, context),
        "lateness_s": context.lateness_ns / 1e9,
        "deaths": [each for died in unplanned(history, context) for each in died],
    }
    concluded = _conclude(verdict, doubts, ground["why"], domain)
    return Judgement(concluded, tuple(total.crashes.values()))


def _conclude(
    verdict: dict[str, Any], doubts: Doubts, unfirm: list[str], domain: str | None
) -> dict[str, Any]:
    open_questions = [
        *doubts.parts,
        *doubts.failure,
        *doubts.record,
        *doubts.audit,
        *doubts.sessions,
        *unfirm,
    ]
    outcomes = [each["outcome"] for each in verdict["promise"] if each["promised"]]
    outcomes += [each["outcome"] for each in verdict["thresholds"]]
    outcomes += [UNKNOWN] if open_questions else []
    verdict["outcome"] = worst(outcomes)
    verdict["why"] = reasons(verdict, open_questions)
    verdict["summary"] = summary(verdict, domain)
    return verdict


def _added(
    left: tuple[PartitionResult, Traffic], right: tuple[PartitionResult, Traffic]
) -> tuple[PartitionResult, Traffic]:
    return left[0] + right[0], left[1] + right[1]


def _partials(history: History, context: CheckContext) -> Iterator[tuple[PartitionResult, Traffic]]:
    judged = partial(check_partition, history, context=context)
    count = len(history.groups)
    if count == 0:
        nothing = to_part(ARROW_SCHEMA.empty_table())
        yield check_rows(nothing, history.names, history.run, context)
        return
    processes = min(count, multiprocessing.cpu_count(), _MOST_PROCESSES)
    if processes == 1:
        yield from map(judged, range(count))
        return
    fresh = multiprocessing.get_context("spawn")  # a fork would inherit Arrow's threads
    with ProcessPoolExecutor(processes, mp_context=fresh) as pool:
        yield from pool.map(judged, range(count))


def _load_ns(history: History, context: CheckContext) -> tuple[int, int]:
    """From the fault (else the fault phase, else the beginning) to the end of the load."""
    windows = history.windows()
    load = [end for phase, _, end in windows if phase <= Phase.RECOVERY]
    breaking = [begin for phase, begin, _ in windows if phase is Phase.FAULT]
    begin = context.fault_ns or min(breaking, default=context.origin_ns)
    return begin, max(load, default=context.end_ns)


def _names(plan: Mapping[str, Any]) -> dict[str, Any]:
    named = ("pattern", "experiment", "scenario", "profile")
    names = {key: (plan.get(key) or {}).get("name", "unnamed") for key in named}
    return {**names, "seed": plan.get("seed"), "run": plan.get("run")}


def _doubts(
    history: History,
    plan: Mapping[str, Any],
    total: PartitionResult,
    context: CheckContext,
    listed: list[dict[str, Any]],
) -> Doubts:
    counts = total.counts
    audit = _audit(history, counts)
    if counts["accepted"] and not context.drained:
        audit.append("the queue was not seen empty before the audit")
    undecided = counts["sessions_undecided"]
    sessions = [f"{undecided:,} sessions were last seen signed out"] if undecided else []
    parts, _ = unplanned(history, context)  # an application's own death is no excuse
    failure = fault_doubts(plan, listed, history)
    return Doubts(failure, gaps(history), audit, sessions, parts)


def _audit(history: History, counts: Mapping[str, int]) -> list[str]:
    """Why the audit may not tell what was kept."""
    hidden, unread = counts["hidden"], counts["unaudited"] - counts["hidden"]
    if not counts["audit_reads"] and not hidden:
        audited = any(phase is Phase.AUDIT for phase, _, _ in history.windows())
        why = "the audit could read nothing" if audited else "there was no audit"
        return [f"{why}, so nobody knows what was kept"]
    reasons = {
        "for which the audit was shown another session's write": hidden,
        "that the audit could not read": unread,
    }
    return [
        f"{number:,} acknowledged writes are in objects {which}"
        for which, number in reasons.items()
        if number
    ]


def _sessions(total: PartitionResult) -> dict[str, Any]:
    counts = total.counts
    return {
        "total": counts["sessions"],
        "lost": counts["sessions_lost"],
        "outage": counts["sessions_outage"],
        "undecided": counts["sessions_undecided"],
        "with_lost_writes": counts["sessions_with_lost_writes"],
        "causes": {
            cause: counts[f"cause_{cause}"] for cause in ("signed_out", "another_session", "audit")
        },
    }


def _writes(total: PartitionResult) -> dict[str, Any]:
    counts, by_check = total.counts, total.by_check
    return {
        "acknowledged": counts["acknowledged"],
        "accepted": counts["accepted"],
        "lost": counts["lost"],
        "unknown": counts["unknown_writes"],
        "failed": counts["failed_writes"],
        # an order whose one attempt stands twice in the list is in both
        "duplicated": by_check[Duplicates.name].violations + by_check[OrdersOnce.name].primary,
        "two_versions": by_check[TwoVersions.name].violations,
        "resurrected": by_check[Resurrected.name].violations,
        "unaudited": counts["unaudited"],
        "unsettled": counts["unsettled"],
    }


def _reads(total: PartitionResult) -> dict[str, Any]:
    counts, ages = total.counts, total.spreads["staleness"]
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    staleness = {}
    for name, share in shares.items():
        age_ms = ages.quantile_ms(share)
        staleness[name] = None if age_ms is None else round(age_ms / 1e3, 6)
    return {
        "total": counts["reads"],
        "stale": counts["stale"],
        "stale_accepted": counts["stale_accepted"],
        "leaked": counts["leaked"],
        "after_loss": counts["after_loss"],
        "phantom": total.by_check[Phantoms.name].violations,
        "unrecorded": counts["unrecorded"],
        "staleness_s": staleness,
        "visibility": curve(total.bins["visibility"]),
    }


def _guarantee(total: PartitionResult, name: str) -> dict[str, int]:
    clause = Clause(GUARANTEES[name])
    counts = [total.by_check[check.name] for check in CHECKS if check.clause is clause]
    return {
        "opportunities": max(each.opportunities for each in counts),
        "violations": sum(each.violations for each in counts),
    }


def _findings(
    total: PartitionResult, plan: Mapping[str, Any], doubts: Doubts
) -> list[dict[str, Any]]:
    seed = int(plan.get("seed") or 0)
    return [_finding(check, total, seed, doubts) for check in CHECKS]


def _finding(
    check: Check[Any], total: PartitionResult, seed: int, doubts: Doubts
) -> dict[str, Any]:
    counts, crash = total.by_check[check.name], total.crashes.get(check.name)
    unsure = any(getattr(doubts, name) for name in check.doubts)
    outcome = UNKNOWN if unsure or not counts.opportunities else HELD
    outcome = BROKEN if counts.violations else outcome
    finding = {
        "check": check.name,
        "class": check.class_,
        "outcome": UNKNOWN if crash else outcome,
        "unit": check.unit,
        "opportunities": counts.opportunities,
        "violations": counts.violations,
        "primary": counts.primary,
        "after_loss": counts.after_loss,
        "strict": counts.violations,
        "bounded": counts.bounded,
        "interval": list(interval(counts.by_session, seed) or ()) or None,
        "witness": counts.witness.sentence if counts.witness else None,
        "operations": counts.witness.operations if counts.witness else [],
    }
    if crash:
        where = f"the traceback is in logs/{crash.log_name}"
        finding |= {"crash": crash.error, "witness": f"{crash.sentence}; {where}."}
        finding["operations"] = []
    return finding
