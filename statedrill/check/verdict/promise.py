"""The promise, clause by clause: what the pattern claims against what was found.

A clause is broken by facts alone: no doubt about footing or proof takes a found violation back.
It is unknown where it was not tested (0 of 0), or where a doubt leaves room for an unseen
violation. What was lost when a part of the cluster died by itself does not break the clause on
the planned failure: nobody knows what that failure alone would have done. Every clause is
evaluated always; one that the pattern does not promise is marked so and never breaks the drill.
Losses by a failure that the pattern does not promise to survive do not break its other clauses:
what follows from a lost state is counted as lost. Which checks decide a clause, the checks say
themselves; what a check that crashed had counted decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from statedrill.check.aggregate import PartitionResult
from statedrill.check.checks import CHECKS
from statedrill.check.checks.base import Check
from statedrill.check.checks.two_versions import TwoVersions
from statedrill.check.clauses import Clause
from statedrill.vocabulary import BROKEN, GUARANTEES, HELD, UNKNOWN


@dataclass(frozen=True)
class Doubts:
    """Sentences, each a reason why something is not known. `failure`: whether the failure really
    happened; `record`: whether all is on record; `audit`: whether the end state is known;
    `sessions`: whether all sessions' fate is known; `parts`: what of the cluster died by itself.
    """

    failure: Sequence[str]
    record: Sequence[str]
    audit: Sequence[str]
    sessions: Sequence[str]
    parts: Sequence[str] = ()


def clauses(
    plan: Mapping[str, Any], total: PartitionResult, doubts: Doubts
) -> list[dict[str, Any]]:
    """The key "promise" of the verdict."""
    promise = (plan.get("pattern") or {}).get("promise") or {}
    rows = [_survives(plan, promise, total, doubts)]
    for clause in Clause:
        if clause is Clause.SURVIVES:
            continue
        if clause is Clause.ORDERS_ONCE and "orders" not in (promise.get("idempotent") or ()):
            continue
        rows.append(_clause(clause, _promised(clause, promise), total, doubts))
    return rows


def _promised(clause: Clause, promise: Mapping[str, Any]) -> bool:
    """Whether the pattern promises it; all that is no session guarantee, every pattern promises."""
    keys = [key for key, text in GUARANTEES.items() if text == clause.value]
    return not keys or keys[0] in (promise.get("guarantees") or ())


def _survives(
    plan: Mapping[str, Any], promise: Mapping[str, Any], total: PartitionResult, doubts: Doubts
) -> dict[str, Any]:
    domain = (plan.get("experiment") or {}).get("domain")
    text = "loses nothing without a failure" if domain is None else f"survives {domain}"
    promised = domain is None or domain in (promise.get("survives") or ())
    counts, crashes = total.counts, total.crashes
    harming = sorted((check for check in CHECKS if check.harm), key=_losses_first)
    found = [
        f"{number:,} {check.harm.format_map(counts)}"
        for check in harming
        if check.name not in crashes and (number := total.by_check[check.name].violations)
    ]
    if found and doubts.parts:
        return _row(text, promised, UNKNOWN, "; ".join([*found, *doubts.parts]))
    if found:
        return _row(text, promised, BROKEN, "; ".join(found))
    reasons = [*doubts.parts, *doubts.failure, *doubts.record, *doubts.audit, *doubts.sessions]
    reasons += [crashes[check.name].sentence for check in harming if check.name in crashes]
    if not counts["acknowledged"]:
        reasons.append("not tested: no write was acknowledged")
    if reasons:
        return _row(text, promised, UNKNOWN, "; ".join(reasons))
    evidence = f"0 of {counts['sessions']:,} sessions and 0 of {counts['acknowledged']:,} "
    return _row(text, promised, HELD, evidence + "acknowledged writes lost")


def _losses_first(check: Check[Any]) -> tuple[bool, bool]:
    """The order in which harms are told: lost sessions, lost writes, then as in the table."""
    return check.clause is not Clause.SURVIVES, check.unit != "sessions"


def _clause(
    clause: Clause, promised: bool, total: PartitionResult, doubts: Doubts
) -> dict[str, Any]:
    """A clause that the checks which name it decide."""
    checks = [check for check in CHECKS if check.clause is clause]
    sound = [total.by_check[each.name] for each in checks if each.name not in total.crashes]
    chances = max((each.opportunities for each in sound), default=0)
    broken = sum(each.violations for each in sound)
    accepted = sum(each.only_accepted for each in sound)
    reasons = [total.crashes[each.name].sentence for each in checks if each.name in total.crashes]
    if accepted:
        seen = broken + accepted
        evidence = f"{seen:,} of {max(total.counts['reads'], seen):,} reads missed an own write, "
        evidence += f"{accepted:,} of them one that had only been accepted"
        return _row(clause.value, promised, BROKEN, evidence)
    if broken:
        evidence = f"{broken:,} violations in {chances:,} opportunities"
        evidence += _two_versions(clause, total)
        return _row(clause.value, promised, BROKEN, evidence)
    if not chances and not reasons:
        reasons = ["not tested: there was no opportunity"]
    elif not reasons:
        names = dict.fromkeys(name for each in checks for name in each.doubts)
        reasons = [reason for name in names for reason in getattr(doubts, name)]
    if reasons:
        return _row(clause.value, promised, UNKNOWN, "; ".join(reasons))
    evidence = f"0 violations in {chances:,} opportunities"
    return _row(clause.value, promised, HELD, evidence)


def _two_versions(clause: Clause, total: PartitionResult) -> str:
    """An addition to the evidence: such a write need not have been done twice."""
    number = total.by_check[TwoVersions.name].violations
    if clause is not TwoVersions.clause or not number:
        return ""
    return f", of them {number:,} by a write shown with two versions"


def _row(text: str, promised: bool, outcome: str, evidence: str) -> dict[str, Any]:
    return {"clause": text, "promised": promised, "outcome": outcome, "evidence": evidence}
