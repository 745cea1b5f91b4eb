"""Why something is not known: reasons that leave room for violations which no check could see.

Puts together what the events, the writers of the record and the audit say about it. Knows no
clause and no check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from statedrill.check.checks.base import Doubt
from statedrill.check.context import CheckContext
from statedrill.check.verdict.completeness import incompleteness
from statedrill.history.store import History
from statedrill.vocabulary import Phase


@dataclass(frozen=True)
class Uncertainties:
    """Sentences, each a reason why something is not known. `failure`: whether the failure really
    happened; `record`: whether all is on record; `audit`: whether the end state is known;
    `sessions`: whether all sessions' fate is known; `cluster`: what of it died by itself.
    """

    cluster: Sequence[str]
    failure: Sequence[str]
    record: Sequence[str]
    audit: Sequence[str]
    sessions: Sequence[str]

    def all(self) -> list[str]:
        """Every reason, in the order in which a reader needs them."""
        return [*self.cluster, *self.failure, *self.record, *self.audit, *self.sessions]

    def about(self, doubts: Iterable[Doubt]) -> list[str]:
        """The reasons of the kinds that a check names."""
        kinds: dict[Doubt, Sequence[str]] = {
            "record": self.record,
            "audit": self.audit,
            "sessions": self.sessions,
        }
        return [reason for doubt in doubts for reason in kinds[doubt]]


def uncertainties(
    history: History,
    context: CheckContext,
    counts: Mapping[str, int],
    cluster: Sequence[str],
    failure: Sequence[str],
) -> Uncertainties:
    """What is not known of a drill. `counts` are those of all partitions; `cluster` and `failure`
    come from `fault_evidence`.
    """
    audit = _unaudited(history, counts)
    if counts["accepted"] and not context.drained:
        audit.append("the queue was not seen empty before the audit")
    undecided = counts["sessions_undecided"]
    sessions = [f"{undecided:,} sessions were last seen signed out"] if undecided else []
    return Uncertainties(cluster, failure, incompleteness(history), audit, sessions)


def _unaudited(history: History, counts: Mapping[str, int]) -> list[str]:
    """Why the audit may not show what was kept."""
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
