"""What the checks of one partition come to, and how two of these results add up.

Everything adds or takes the greatest: the order of the parts does not matter.
Small enough to travel between processes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from statedrill.check.numeric.arrays import Array
from statedrill.check.numeric.histogram import Histogram
from statedrill.check.verdict.record import WitnessOperation


@dataclass
class Witness:
    """The operations (at most four) that prove one violation, and the sentence that says so."""

    at_ns: int
    sentence: str
    operations: list[WitnessOperation]


@dataclass(frozen=True)
class Crash:
    """A check that raised: `error` is the exception's type and message in one line."""

    check: str
    error: str
    traceback: str

    @property
    def sentence(self) -> str:
        """What happened, for a reader."""
        return f"the check {self.check} crashed ({self.error})"

    @property
    def log_name(self) -> str:
        """The name of the file for the traceback, in the run's folder of logs."""
        return f"check-{self.check}.txt"


@dataclass
class CheckCounts:
    """One check's counts. `primary` are the violations whose class is this check's own; `bounded`
    the violations when no effect is later than the lateness; `after_loss` those that follow from
    a lost state, and `undecided` those that may, which are not counted as violations;
    `only_accepted` reads that are late only against accepted writes. `by_session` counts sessions
    by (opportunities, violations), for the bootstrap.
    """

    opportunities: int = 0
    violations: int = 0
    primary: int = 0
    bounded: int = 0
    after_loss: int = 0
    undecided: int = 0
    only_accepted: int = 0
    by_session: Counter[tuple[int, int]] = field(default_factory=Counter)
    witness: Witness | None = None

    def __add__(self, other: CheckCounts) -> CheckCounts:
        witnesses = [each for each in (self.witness, other.witness) if each]
        return CheckCounts(
            self.opportunities + other.opportunities,
            self.violations + other.violations,
            self.primary + other.primary,
            self.bounded + other.bounded,
            self.after_loss + other.after_loss,
            self.undecided + other.undecided,
            self.only_accepted + other.only_accepted,
            self.by_session + other.by_session,
            min(witnesses, key=lambda each: each.at_ns, default=None),
        )


@dataclass
class PartitionResult:
    """The findings of one partition. `by_check` has the counts of every check by its name,
    `crashes` the first crash of each check that raised. `counts`, `bins` (arrays of counts) and
    `spreads` add up; of `greatest` the greatest are kept; `recovered_ns` are recovery times of
    sessions that had a bad operation after the fault, `censored_ns` those that had not recovered.
    """

    by_check: dict[str, CheckCounts]
    counts: Counter[str]
    bins: dict[str, Array]
    spreads: dict[str, Histogram]
    greatest: dict[str, int]
    recovered_ns: list[int]
    censored_ns: list[int]
    crashes: dict[str, Crash]

    def __add__(self, other: PartitionResult) -> PartitionResult:
        return PartitionResult(
            by_check={name: tally + other.by_check[name] for name, tally in self.by_check.items()},
            counts=self.counts + other.counts,
            bins={name: array + other.bins[name] for name, array in self.bins.items()},
            spreads={name: each + other.spreads[name] for name, each in self.spreads.items()},
            greatest=_greatest(self.greatest, other.greatest),
            recovered_ns=self.recovered_ns + other.recovered_ns,
            censored_ns=self.censored_ns + other.censored_ns,
            crashes=other.crashes | self.crashes,
        )


def _greatest(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    return {
        name: max(each[name] for each in (left, right) if name in each)
        for name in left.keys() | right.keys()
    }
