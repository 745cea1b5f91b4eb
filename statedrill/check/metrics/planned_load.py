"""What the profile planned at each moment of the load, and whether the load followed it.

The plan of a profile is a function of time. Every load process writes once a second its share of
the plan beside what was there: users in the closed model, sessions per second in the open one. The
sums over all load processes are the planned *level* P(t) and the actual level A(t). Of a record
without them (an older one, or one of another generator) nothing is said here.

- **Following.** Locust looks at the profile once a second and starts users in steps of a second,
  and a line covers a second. So A may be, at any moment, what P was up to 1.5 s before or will be
  up to 1.5 s later; lo(t) and hi(t) are the least and the greatest P in that time. From the
  beginning b of the baseline to the end e of the load, the load followed its profile iff for all t

      integral of lo over [b, t] - s  <=  integral of A over [b, t]  <=  integral of hi + s

  where the slack s is 5 % of the integral of P over [b, e]. Where sessions arrive by chance (a
  Poisson process) that integral is their number n, and s is greater by 3 sqrt(n). This is the
  greatest distance of two cumulative curves, as in the test of Kolmogorov and Smirnov: it notices a
  wrong course as well as a wrong amount.
- **Operations of the closed model.** The same for the operations called in the baseline against
  the planned users / pace, with the slack of a Poisson process, and A may be later by one pace: a
  user's first operation comes within one pace of its start. Users may follow a profile that a busy
  generator does not play.
- **Peak.** Where P exceeds every level of the baseline by more than 5 %, the baseline cannot vouch
  for the generator (`footing` looks at its load there, too).
- **Comparable.** A window of the load may be called slow by comparison with the baseline only if
  its P is at most 1.1 times the mean P of the baseline. In M/M/1 the response time is proportional
  to 1 / (1 - u): a tenth more load alone makes it threefold (what `availability` calls slow) only
  if the baseline's utilization u was above 0.87. At more load than that, a slow answer may be due
  to the load and not to the failure, and nothing is said. Success needs no such bound: the profile
  plans load that is to be served; what is not served is not available, whatever the cause.

The bounds are this project's own choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from statedrill.check.context import CheckContext
from statedrill.check.numeric.arrays import Array
from statedrill.history.load_line import LoadLine
from statedrill.history.store import History
from statedrill.vocabulary import Phase

BAND_S = 1.5
SLACK_SHARE = 0.05
CHANCE = 3.0
PEAK = 1.05
COMPARABLE = 1.1
_LINE_NS = 1_000_000_000


@dataclass(frozen=True)
class Course:
    """Something that was planned and what came of it, per second in each bin of `bin_s`.

    What came may be later than the plan by `late_s` more; `by_chance`: its count is random.
    """

    planned: Array
    actual: Array
    unit: str
    bin_s: float
    by_chance: bool
    late_s: float = 0.0

    def departure(self, span: slice) -> str | None:
        """How the course did not follow the plan within the bins `span`; None if it did."""
        if span.stop <= span.start:
            return None
        total = float(self.planned[span].sum()) * self.bin_s
        slack = SLACK_SHARE * total + (CHANCE * total**0.5 if self.by_chance else 0.0)
        low, high = (np.cumsum(each[span]) * self.bin_s for each in self._band())
        came = np.cumsum(self.actual[span]) * self.bin_s
        beyond = np.maximum(low - came, came - high)
        at = int(beyond.argmax())
        if beyond[at] <= slack:
            return None
        until = slice(span.start, span.start + at + 1)
        return (
            f"the load did not follow its profile: until {until.stop * self.bin_s:,.1f} s of the "
            f"drill there were {self.actual[until].mean():,.1f} {self.unit} on average where "
            f"{self.planned[until].mean():,.1f} were planned"
        )

    def least(self, span: slice) -> float:
        """The least mean within `span` of what comes as late as it may."""
        return float(self._band()[0][span].mean())

    def _band(self) -> tuple[Array, Array]:
        """(least, greatest) of what is planned around each bin."""
        lag, lead = (max(1, round(each / self.bin_s)) for each in (BAND_S + self.late_s, BAND_S))
        padded = np.pad(self.planned, (lag, lead), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, lag + lead + 1)
        return windows.min(axis=1), windows.max(axis=1)


@dataclass(frozen=True)
class PlannedLoad:
    """The load in the bins of a `CheckContext`, beside what was planned of it.

    The level are users, in the open model sessions per second. `operations` are planned ones per
    second; None in the open model, where what a session does decides, and without a pace.
    """

    level: Course
    operations: Array | None

    def operations_course(self, called: Array, pace_s: float) -> Course | None:
        """The operations `called` in each bin beside the planned ones."""
        if self.operations is None:
            return None
        bin_s = self.level.bin_s
        return Course(
            self.operations, called / bin_s, "operations per second", bin_s, True, late_s=pace_s
        )

    def is_peak(self, baseline: slice) -> Array:
        """Per bin: whether the plan exceeds every level of the baseline."""
        above: Array = self.level.planned > PEAK * self.level.planned[baseline].max(initial=0.0)
        return above

    def is_comparable(self, baseline: slice) -> Array:
        """Per bin: whether latencies may be compared with the baseline's."""
        planned = self.level.planned
        mean = planned[baseline].mean() if baseline.stop > baseline.start else 0.0
        comparable: Array = planned <= COMPARABLE * mean
        return comparable


def planned_load(
    lines: Sequence[LoadLine], context: CheckContext, by_chance: bool
) -> PlannedLoad | None:
    """The plan in the `lines` of all load processes, and what came of it; None: not on record.

    `by_chance`: sessions arrive as a Poisson process.
    """
    is_open = any("planned_arrivals" in line for line in lines)
    planned, actual = ("planned_arrivals", "arrived") if is_open else ("planned_users", "users")
    if not any(planned in line for line in lines):
        return None
    workers: dict[int, list[LoadLine]] = {}
    for line in lines:
        workers.setdefault(line.get("worker", 0), []).append(line)
    without_pace = any(line.get("planned_rate") is None for line in lines)

    def course(name: str, is_count: bool = False) -> Array:
        total = np.zeros(context.bins)
        for own in workers.values():
            total += _course(own, context, name, is_count)
        return total

    level = Course(
        planned=course(planned),
        actual=course(actual, is_count=is_open),
        unit="sessions per second" if is_open else "users",
        bin_s=context.bin_ns / 1e9,
        by_chance=by_chance,
    )
    return PlannedLoad(level, None if is_open or without_pace else course("planned_rate"))


def comparable_bins(
    history: History, context: CheckContext, planned: PlannedLoad | None
) -> Array | None:
    """Per bin: whether latencies may be compared with the baseline's; None: all of them."""
    windows = [each for each in history.windows() if each[0] is Phase.BASELINE]
    if planned is None or not windows:
        return None
    return planned.is_comparable(context.whole_bins(windows[0][1], windows[-1][2]))


def load_end_ns(history: History, context: CheckContext, planned: PlannedLoad | None) -> int:
    """When the load ended: with its last phase, or before that, when its profile was over."""
    phases = [end for phase, _, end in history.windows() if phase <= Phase.RECOVERY]
    ends = [max(phases, default=context.end_ns)]
    noticed = [event["t"] for event in history.events if event["event"] == "load-ended"]
    if noticed:
        ends += noticed
        if planned is not None:
            last = int(np.flatnonzero(planned.level.planned).max(initial=-1))
            ends.append(context.origin_ns + (last + 1) * context.bin_ns)
    return min(ends)


def _course(lines: Sequence[LoadLine], context: CheckContext, name: str, is_count: bool) -> Array:
    """The mean per second of a figure in each bin; a line covers the time since the one before.

    The figure is a level, or a count over the line's time. Interpolating the cumulative sum divides
    each line among its bins exactly.
    """
    ends_ns = np.array([line["t"] for line in lines], dtype=np.int64)
    values = np.array([float(line.get(name) or 0.0) for line in lines])  # type: ignore[arg-type]
    begins_ns = np.concatenate([[ends_ns[0] - _LINE_NS], ends_ns[:-1]])
    if not is_count:
        values = values * (ends_ns - begins_ns) / 1e9
    since_s = (np.concatenate([begins_ns[:1], ends_ns]) - context.origin_ns) / 1e9
    edges_s = np.arange(context.bins + 1) * (context.bin_ns / 1e9)
    cumulative = np.interp(edges_s, since_s, np.concatenate([[0.0], np.cumsum(values)]))
    per_second: Array = np.diff(cumulative) / (context.bin_ns / 1e9)
    return per_second
