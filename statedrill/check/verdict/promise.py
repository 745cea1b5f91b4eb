"""The promise, clause by clause: what the pattern claims against what was found.

A clause is broken by facts alone: no doubt about footing or proof takes a found violation back.
It is unknown where it was not tested (0 of 0), or where a doubt leaves room for an unseen
violation. What was lost when a part of the cluster died by itself does not break the clause on
the planned failure: nobody knows what that failure alone would have done. Every clause is
evaluated always; one that the pattern does not promise is marked so and never breaks the drill.
Losses by a failure that the pattern does not promise to survive do not break its other clauses:
what follows from a lost state is counted as lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from statedrill.check.aggregate import Partial, Tally
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


def clauses(plan: Mapping[str, Any], total: Partial, doubts: Doubts) -> list[dict[str, Any]]:
    """The key "promise" of the verdict."""
    promise = (plan.get("pattern") or {}).get("promise") or {}
    guarantees = promise.get("guarantees") or ()
    rows = [_survives(plan, promise, total, doubts)]
    rows += [_guarantee(name, name in guarantees, total, doubts) for name in GUARANTEES]
    if "orders" in (promise.get("idempotent") or ()):
        rows.append(
            _clause("orders happen once", True, [total.tallies["orders-once"]], doubts.record)
        )
    leaks = [total.tallies["leaks"]]
    rows.append(_clause("no session sees another's state", True, leaks, doubts.record))
    rows.append(_nothing_made_up(total, doubts))
    return rows


def _nothing_made_up(total: Partial, doubts: Doubts) -> dict[str, Any]:
    names = ("phantoms", "rejected-visible", "duplicates", "two-versions")
    tallies = [total.tallies[name] for name in names]
    row = _clause("nothing is made up or done twice", True, tallies, doubts.record)
    if told := total.tallies["two-versions"].violations:
        row["evidence"] += f", of them {told:,} by a write shown with two versions"
    return row


def _survives(
    plan: Mapping[str, Any], promise: Mapping[str, Any], total: Partial, doubts: Doubts
) -> dict[str, Any]:
    domain = (plan.get("experiment") or {}).get("domain")
    text = "loses nothing without a failure" if domain is None else f"survives {domain}"
    promised = domain is None or domain in (promise.get("survives") or ())
    counts, tallies = total.counts, total.tallies
    others = ("duplicates", "resurrected", "phantoms", "leaks")
    two_versions = tallies["two-versions"].violations
    harms = [
        (counts["sessions_lost"], f"of {counts['sessions']:,} sessions lost"),
        (counts["lost"], f"of {counts['acknowledged']:,} acknowledged writes lost"),
        *((tallies[name].violations, f"{name} found") for name in others),
        (two_versions, "shown with two versions"),
    ]
    found = [f"{number:,} {what}" for number, what in harms if number]
    if found and doubts.parts:
        return _row(text, promised, UNKNOWN, "; ".join([*found, *doubts.parts]))
    if found:
        return _row(text, promised, BROKEN, "; ".join(found))
    reasons = [*doubts.parts, *doubts.failure, *doubts.record, *doubts.audit, *doubts.sessions]
    if not counts["acknowledged"]:
        reasons.append("not tested: no write was acknowledged")
    if reasons:
        return _row(text, promised, UNKNOWN, "; ".join(reasons))
    evidence = f"0 of {counts['sessions']:,} sessions and 0 of {counts['acknowledged']:,} "
    return _row(text, promised, HELD, evidence + "acknowledged writes lost")


def _guarantee(name: str, promised: bool, total: Partial, doubts: Doubts) -> dict[str, Any]:
    tally = total.tallies[name.replace("_", "-")]
    text = name.replace("_", " ")
    late = total.counts["ryw_accepted"]
    if name == "read_your_writes" and late:
        seen = tally.violations + late
        chances = max(total.counts["reads"], seen)
        evidence = f"{seen:,} of {chances:,} reads missed an own write, "
        evidence += f"{late:,} of them one that had only been accepted"
        return _row(text, promised, BROKEN, evidence)
    return _clause(text, promised, [tally], doubts.record)


def _clause(
    text: str, promised: bool, tallies: Sequence[Tally], doubts: Sequence[str]
) -> dict[str, Any]:
    chances = max(tally.opportunities for tally in tallies)
    broken = sum(tally.violations for tally in tallies)
    if broken:
        return _row(text, promised, BROKEN, f"{broken:,} violations in {chances:,} opportunities")
    if not chances:
        return _row(text, promised, UNKNOWN, "not tested: there was no opportunity")
    if doubts:
        return _row(text, promised, UNKNOWN, "; ".join(doubts))
    return _row(text, promised, HELD, f"0 violations in {chances:,} opportunities")


def _row(text: str, promised: bool, outcome: str, evidence: str) -> dict[str, Any]:
    return {"clause": text, "promised": promised, "outcome": outcome, "evidence": evidence}
