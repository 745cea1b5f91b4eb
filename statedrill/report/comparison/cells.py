"""The squares of a comparison: one pattern under one experiment, with all its runs together.

Adds up what verdicts counted; judges nothing. Several runs of one square (other seeds) are
pooled: their losses over their totals, the worst outage, the worst outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from statedrill.report.run_data import Run, at
from statedrill.vocabulary import worst


@dataclass(frozen=True)
class Part:
    """`lost` of `total`; either is None where no run of the square counted it."""

    lost: int | None
    total: int | None

    @property
    def share(self) -> float | None:
        """The share of 1, or None where there was nothing to lose or nobody counted."""
        return self.lost / self.total if self.total and self.lost is not None else None


@dataclass(frozen=True)
class Square:
    """One pattern under one experiment."""

    pattern: str
    experiment: str
    runs: tuple[Run, ...]

    @property
    def sessions(self) -> Part:
        """Sessions lost."""
        return self._part("sessions", "lost", "total")

    @property
    def writes(self) -> Part:
        """Acknowledged writes lost."""
        return self._part("writes", "lost", "acknowledged")

    @property
    def stale(self) -> Part:
        """Stale reads."""
        return self._part("reads", "stale", "total")

    @property
    def wrong(self) -> int:
        """Duplicated effects and leaked reads."""
        return sum(
            (at(run.verdict, "writes", "duplicated") or 0)
            + (at(run.verdict, "reads", "leaked") or 0)
            for run in self.runs
        )

    @property
    def outage_s(self) -> float | None:
        """The longest outage of all runs."""
        known = [at(run.verdict, "availability", "outage_s") for run in self.runs]
        return max((each for each in known if each is not None), default=None)

    @property
    def served(self) -> float | None:
        """The lowest share of operations served in fault and recovery, of all runs."""
        known = [at(run.verdict, "availability", "ratio") for run in self.runs]
        return min((each for each in known if each is not None), default=None)

    @property
    def outcome(self) -> str:
        """The worst outcome: broken beats unknown beats held."""
        return worst(run.outcome for run in self.runs)

    @property
    def known(self) -> bool:
        """True where sessions and writes were both counted in every run."""
        return all(
            at(run.verdict, "sessions", "total") and at(run.verdict, "writes", "acknowledged")
            for run in self.runs
        )

    @property
    def lost_anything(self) -> bool:
        """True where a session or an acknowledged write was lost."""
        return bool(self.sessions.lost or self.writes.lost)

    def _part(self, group: str, lost: str, total: str) -> Part:
        return Part(
            _sum(at(run.verdict, group, lost) for run in self.runs),
            _sum(at(run.verdict, group, total) for run in self.runs),
        )


def squares_of(runs: Sequence[Run]) -> dict[tuple[str, str], Square]:
    """(pattern, experiment) -> Square, in the order in which the runs first name them."""
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.pattern, run.experiment), []).append(run)
    return {key: Square(*key, tuple(group)) for key, group in grouped.items()}


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
