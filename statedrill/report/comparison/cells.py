"""The cells of a comparison: one pattern under one experiment, with all its runs together.

Adds up what verdicts counted; judges nothing. Several runs of one cell (other seeds) are pooled:
their losses over their totals, the worst outage, the worst outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from statedrill.check.verdict.record import StoredVerdict
from statedrill.report.formatting import Share, crossed
from statedrill.report.run_data import Run
from statedrill.vocabulary import VerdictOutcome, worst


@dataclass(frozen=True)
class ComparisonCell:
    """One pattern under one experiment."""

    pattern: str
    experiment: str
    runs: tuple[Run, ...]

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return crossed(self.pattern, self.experiment)

    @property
    def sessions(self) -> Share:
        """Sessions lost."""
        counts = [each["sessions"] for each in self._verdicts]
        return Share(_sum(each["lost"] for each in counts), _sum(each["total"] for each in counts))

    @property
    def writes(self) -> Share:
        """Acknowledged writes lost."""
        counts = [each["writes"] for each in self._verdicts]
        acknowledged = _sum(each["acknowledged"] for each in counts)
        return Share(_sum(each["lost"] for each in counts), acknowledged)

    @property
    def stale(self) -> Share:
        """Stale reads."""
        counts = [each["reads"] for each in self._verdicts]
        return Share(_sum(each["stale"] for each in counts), _sum(each["total"] for each in counts))

    @property
    def wrong(self) -> int:
        """Duplicated effects and leaked reads."""
        return sum(
            (each["writes"]["duplicated"] or 0) + (each["reads"]["leaked"] or 0)
            for each in self._verdicts
        )

    @property
    def outage_s(self) -> float | None:
        """The longest outage of all runs."""
        known = [each["availability"]["outage_s"] for each in self._verdicts]
        return max((each for each in known if each is not None), default=None)

    @property
    def served(self) -> float | None:
        """The lowest share of operations served in fault and recovery, of all runs."""
        return lowest_availability(self.runs)

    @property
    def outcome(self) -> VerdictOutcome:
        """The worst outcome: broken beats unknown beats held."""
        return worst(run.outcome for run in self.runs)

    @property
    def known(self) -> bool:
        """True where sessions and writes were both counted in every run."""
        return all(
            each["sessions"]["total"] and each["writes"]["acknowledged"] for each in self._verdicts
        )

    @property
    def lost_anything(self) -> bool:
        """True where a session or an acknowledged write was lost."""
        return bool(self.sessions.part or self.writes.part)

    @property
    def _verdicts(self) -> list[StoredVerdict]:
        return [run.verdict for run in self.runs]


def cells_of(runs: Sequence[Run]) -> dict[tuple[str, str], ComparisonCell]:
    """(pattern, experiment) -> its cell, in the order in which the runs first name them."""
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.pattern, run.experiment), []).append(run)
    return {key: ComparisonCell(*key, tuple(group)) for key, group in grouped.items()}


def lowest_availability(runs: Iterable[Run]) -> float | None:
    """The lowest share of operations served in fault and recovery; None where nobody measured."""
    known = [run.verdict["availability"]["ratio"] for run in runs]
    return min((each for each in known if each is not None), default=None)


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
