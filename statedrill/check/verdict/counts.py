"""The verdict's sections that are counts of the checks: sessions, writes, reads, findings.

Turns the sum of all partitions into the keys of the record; decides only a finding's outcome.
"""

from __future__ import annotations

from typing import Any

from statedrill.check.aggregate import PartitionResult
from statedrill.check.checks import CHECKS
from statedrill.check.checks.base import Check
from statedrill.check.checks.duplicates import Duplicates
from statedrill.check.checks.orders_once import OrdersOnce
from statedrill.check.checks.phantoms import Phantoms
from statedrill.check.checks.resurrected import Resurrected
from statedrill.check.checks.two_versions import TwoVersions
from statedrill.check.clauses import Clause
from statedrill.check.metrics.record import Staleness
from statedrill.check.metrics.visibility import curve
from statedrill.check.numeric.bootstrap import interval
from statedrill.check.numeric.histogram import Histogram
from statedrill.check.verdict.record import Finding, GuaranteeCounts, Reads, Sessions, Writes
from statedrill.check.verdict.uncertainties import Uncertainties
from statedrill.vocabulary import BROKEN, GUARANTEES, HELD, UNKNOWN, VerdictOutcome


def sessions(total: PartitionResult) -> Sessions[int]:
    """The key "sessions"."""
    counts = total.counts
    found: Sessions[int] = {
        "total": counts["sessions"],
        "lost": counts["sessions_lost"],
        "outage": counts["sessions_outage"],
        "undecided": counts["sessions_undecided"],
        "with_lost_writes": counts["sessions_with_lost_writes"],
        "causes": {
            "signed_out": counts["cause_signed_out"],
            "another_session": counts["cause_another_session"],
            "audit": counts["cause_audit"],
        },
    }
    if expired := counts["sessions_expired"]:
        found["expired"] = expired
    return found


def writes(total: PartitionResult) -> Writes[int]:
    """The key "writes"."""
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


def reads(total: PartitionResult) -> Reads[int]:
    """The key "reads"."""
    counts = total.counts
    return {
        "total": counts["reads"],
        "stale": counts["stale"],
        "stale_accepted": counts["stale_accepted"],
        "leaked": counts["leaked"],
        "after_loss": counts["after_loss"],
        "phantom": total.by_check[Phantoms.name].violations,
        "unrecorded": counts["unrecorded"],
        "staleness_s": _staleness(total.spreads["staleness"]),
        "visibility": curve(total.bins["visibility"]),
    }


def _staleness(ages: Histogram) -> Staleness:
    def age_s(share: float) -> float | None:
        age_ms = ages.quantile_ms(share)
        return None if age_ms is None else round(age_ms / 1e3, 6)

    return {"p50": age_s(0.5), "p95": age_s(0.95), "p99": age_s(0.99), "max": age_s(1.0)}


def guarantees(total: PartitionResult) -> dict[str, GuaranteeCounts[int]]:
    """The key "guarantees": each one's checks together."""
    found: dict[str, GuaranteeCounts[int]] = {}
    for name, text in GUARANTEES.items():
        checks = [check for check in CHECKS if check.clause is Clause(text)]
        counts = [total.by_check[check.name] for check in checks]
        found[name] = {
            "opportunities": max(each.opportunities for each in counts),
            "violations": sum(each.violations for each in counts),
        }
    return found


def findings(total: PartitionResult, seed: int, uncertainties: Uncertainties) -> list[Finding[int]]:
    """The key "findings": one for each check, in the order of the table. `seed` is that of the
    resampling.
    """
    return [_finding(check, total, seed, uncertainties) for check in CHECKS]


def _finding(
    check: Check[Any], total: PartitionResult, seed: int, uncertainties: Uncertainties
) -> Finding[int]:
    counts, crash = total.by_check[check.name], total.crashes.get(check.name)
    uncertain = bool(uncertainties.about(check.doubts) or counts.undecided)
    uncertain |= not counts.opportunities
    outcome: VerdictOutcome = UNKNOWN if uncertain else HELD
    if counts.violations:
        outcome = BROKEN
    witness = counts.witness
    finding: Finding[int] = {
        "check": check.name,
        "class": check.class_,
        "outcome": UNKNOWN if crash else outcome,
        "unit": check.unit,
        "opportunities": counts.opportunities,
        "violations": counts.violations,
        "primary": counts.primary,
        "after_loss": counts.after_loss,
        "undecided": counts.undecided,
        "strict": counts.violations,
        "bounded": counts.bounded,
        "interval": list(interval(counts.by_session, seed) or ()) or None,
        "witness": witness.sentence if witness else None,
        "operations": witness.operations if witness else [],
    }
    if crash:
        finding["crash"] = crash.error
        where = f"the traceback is in logs/{crash.log_name}"
        finding["witness"], finding["operations"] = f"{crash.sentence}; {where}.", []
    return finding
