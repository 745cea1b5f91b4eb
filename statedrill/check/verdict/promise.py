"""The promise, clause by clause: what the pattern claims against what was found.

A clause is broken by facts alone: no uncertainty about footing or proof takes a found violation
back. It is unknown where it was not tested (0 of 0), or where an uncertainty leaves room for an
unseen violation. What was lost when a part of the cluster died by itself does not break the clause
on the planned failure: what that failure alone would have done is not known. Every clause is always
evaluated; one that the pattern does not promise is marked so and never breaks the drill.
Losses by a failure that the pattern does not promise to survive do not break its other clauses:
what follows from a lost state is counted as lost. The checks themselves say which clause they
decide; what a check that crashed had counted decides nothing. Where data were deleted, a pattern
that promises to restore them is held to that: what is older than its recovery point must be back.
"""

from __future__ import annotations

from typing import Any

from statedrill.check.aggregate import PartitionResult
from statedrill.check.checks import CHECKS
from statedrill.check.checks.base import Check
from statedrill.check.checks.lost_sessions import LostSessions
from statedrill.check.checks.lost_writes import LostWrites
from statedrill.check.checks.resurrected_sessions import ResurrectedSessions
from statedrill.check.checks.two_versions import TwoVersions
from statedrill.check.clauses import RESTORES, Clause
from statedrill.check.context import RestoreObjective
from statedrill.check.verdict.record import ClauseResult
from statedrill.check.verdict.uncertainties import Uncertainties
from statedrill.history.operation import FOREVER
from statedrill.plan.record import PlanRecord, PromiseRecord
from statedrill.vocabulary import BROKEN, GUARANTEES, HELD, UNKNOWN, VerdictOutcome

_RESTORED = (LostSessions.name, LostWrites.name, ResurrectedSessions.name)
"""The checks that decide what a restore brought back."""


def clauses(
    plan: PlanRecord,
    total: PartitionResult,
    uncertainties: Uncertainties,
    restore: RestoreObjective | None,
) -> list[ClauseResult]:
    """The key "promise" of the verdict."""
    promise = plan["pattern"]["promise"]
    rows = [_survives(plan["experiment"]["domain"], promise, total, uncertainties)]
    if restore:
        rows.append(_restores(restore, total, uncertainties))
    for clause in Clause:
        if clause is Clause.SURVIVES:
            continue
        if clause is Clause.ORDERS_ONCE and "orders" not in promise["idempotent"]:
            continue
        rows.append(_decided(clause, _is_promised(clause, promise), total, uncertainties))
    return rows


def _is_promised(clause: Clause, promise: PromiseRecord) -> bool:
    """Whether the pattern promises it; what is no session guarantee, every pattern promises."""
    keys = [key for key, text in GUARANTEES.items() if text == clause.value]
    return not keys or keys[0] in promise["guarantees"]


def _survives(
    domain: str | None,
    promise: PromiseRecord,
    total: PartitionResult,
    uncertainties: Uncertainties,
) -> ClauseResult:
    text = "loses nothing without a failure" if domain is None else f"survives {domain}"
    promised = domain is None or domain in promise["survives"]
    counts, crashes = total.counts, total.crashes
    harming = sorted((check for check in CHECKS if check.harm), key=_losses_first)
    harms = [
        f"{number:,} {check.harm.format_map(counts)}"
        for check in harming
        if check.name not in crashes and (number := total.by_check[check.name].violations)
    ]
    if harms and uncertainties.cluster:
        return _row(text, promised, UNKNOWN, "; ".join([*harms, *uncertainties.cluster]))
    if harms:
        return _row(text, promised, BROKEN, "; ".join(harms))
    reasons = uncertainties.all()
    reasons += [crashes[check.name].sentence for check in harming if check.name in crashes]
    if not counts["acknowledged"]:
        reasons.append("not tested: no write was acknowledged")
    if reasons:
        return _row(text, promised, UNKNOWN, "; ".join(reasons))
    evidence = f"0 of {counts['sessions']:,} sessions and 0 of {counts['acknowledged']:,} "
    return _row(text, promised, HELD, evidence + "acknowledged writes lost")


def _restores(
    restore: RestoreObjective, total: PartitionResult, uncertainties: Uncertainties
) -> ClauseResult:
    """What was acknowledged before the promised restore point, and is gone after the restore."""
    text = f"{RESTORES} {restore.rpo_s:g} s"
    counts, crashes = total.counts, total.crashes
    writes = 0 if LostWrites.name in crashes else counts["lost_restorable"]
    sessions = 0 if LostSessions.name in crashes else counts["sessions_lost_restorable"]
    undone = 0 if ResurrectedSessions.name in crashes else counts["sign_outs_lost_restorable"]
    of_writes = f"of {counts['restorable']:,} acknowledged writes so old"
    if restore.recorded_ns is not None:
        of_writes += " or of before the restore point"
    harms = [f"{sessions:,} sessions so old lost"] if sessions else []
    harms += [f"{writes:,} {of_writes} lost"] if writes else []
    harms += [f"{undone:,} sign-outs so old undone"] if undone else []
    if harms and restore.restored_ns < FOREVER:
        outcome: VerdictOutcome = UNKNOWN if uncertainties.cluster else BROKEN
        return _row(text, True, outcome, "; ".join([*harms, *uncertainties.cluster]))
    reasons = uncertainties.all()
    reasons += [crashes[each].sentence for each in _RESTORED if each in crashes]
    if restore.restored_ns == FOREVER:
        reasons.append("the restore did not come to its end")
    if otherwise := counts["lost_otherwise"]:
        reasons.append(f"another failure may have lost {otherwise:,} sessions or writes so old")
    if not counts["restorable"]:
        reasons.append("not tested: no write was acknowledged so early")
    if reasons:
        return _row(text, True, UNKNOWN, "; ".join(reasons))
    given_up = counts["lost"]
    evidence = f"0 {of_writes} lost; {given_up:,} younger ones were given up"
    return _row(text, True, HELD, evidence)


def _losses_first(check: Check[Any]) -> tuple[bool, bool]:
    """The order of the harms: lost sessions, lost writes, then as in the table."""
    return check.clause is not Clause.SURVIVES, check.unit != "sessions"


def _decided(
    clause: Clause, promised: bool, total: PartitionResult, uncertainties: Uncertainties
) -> ClauseResult:
    """A clause that the checks which name it decide."""
    checks = [check for check in CHECKS if check.clause is clause]
    sound = [total.by_check[each.name] for each in checks if each.name not in total.crashes]
    chances = max((each.opportunities for each in sound), default=0)
    broken = sum(each.violations for each in sound)
    accepted = sum(each.only_accepted for each in sound)
    if accepted:
        missed = broken + accepted
        evidence = f"{missed:,} of {max(total.counts['reads'], missed):,} reads missed an own "
        evidence += f"write, {accepted:,} of them one that had only been accepted"
        return _row(clause.value, promised, BROKEN, evidence)
    if broken:
        evidence = f"{broken:,} violations in {chances:,} opportunities"
        return _row(clause.value, promised, BROKEN, evidence + _two_versions(clause, total))
    reasons = [total.crashes[each.name].sentence for each in checks if each.name in total.crashes]
    if undecided := sum(each.undecided for each in sound):
        reasons.append(f"{undecided:,} of {chances:,} may follow from a loss that no audit decides")
    if not chances and not reasons:
        reasons = ["not tested: there was no opportunity"]
    elif not reasons:
        doubts = dict.fromkeys(doubt for each in checks for doubt in each.doubts)
        reasons = uncertainties.about(doubts)
    if reasons:
        return _row(clause.value, promised, UNKNOWN, "; ".join(reasons))
    return _row(clause.value, promised, HELD, f"0 violations in {chances:,} opportunities")


def _two_versions(clause: Clause, total: PartitionResult) -> str:
    """An addition to the evidence: such a write need not have been done twice."""
    number = total.by_check[TwoVersions.name].violations
    if clause is not TwoVersions.clause or not number:
        return ""
    return f", of them {number:,} by a write shown with two versions"


def _row(text: str, promised: bool, outcome: VerdictOutcome, evidence: str) -> ClauseResult:
    return {"clause": text, "promised": promised, "outcome": outcome, "evidence": evidence}
