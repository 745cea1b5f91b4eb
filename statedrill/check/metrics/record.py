"""The figures of a run in verdict.json: traffic, availability, recovery, footing, thresholds.

Times are in seconds since the drill's first event (`_s`) or in milliseconds (`_ms`). `Count` is
explained in `check/verdict/record.py`, which puts these parts together. Knows keys and types;
computes nothing.
"""

from __future__ import annotations

from typing import Generic, Literal, NotRequired, TypeAlias, TypeVar

# pydantic, which makes the JSON Schema, accepts that of `typing` from Python 3.12 on.
from typing_extensions import TypedDict

from statedrill.vocabulary import VerdictOutcome

Count = TypeVar("Count", bound=int | None)


class VisibilityPoint(TypedDict):
    """Reads up to `age_s` after the write (None: any older), and the share that saw it."""

    age_s: float | None
    reads: int
    seen: float


class Staleness(TypedDict):
    """The least age of what stale reads showed, by quantile; None: there was no stale read."""

    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class Availability(TypedDict):
    """Service in the phases fault and recovery; see `check/metrics/availability.py`.

    Without a baseline to compare with, `longest_outage_s` is absent;
    `latency_not_comparable_s` is there when the profile planned more than in the baseline.
    """

    ratio: float | None
    outage_s: float | None
    longest_outage_s: NotRequired[float]
    degraded_s: float | None
    latency_not_comparable_s: NotRequired[float]


class SessionRecovery(TypedDict, Generic[Count]):
    """Recovery by session: the Kaplan-Meier median of the affected ones, some of them censored."""

    p50: float | None
    affected: Count
    censored: Count


class Recovery(TypedDict, Generic[Count]):
    """How long until it worked again, and how much was lost; see `check/metrics/recovery.py`."""

    rto_availability_s: float | None
    rto_state_s: float | None
    rto_sessions_s: SessionRecovery[Count]
    rpo_s: float | None
    rpo_writes: Count
    lost_after_fault: Count
    exposed_writes: Count
    loss_rate_below: float | None


Percentile: TypeAlias = Literal["p50", "p95", "p99", "p999", "max"]
PERCENTILES: tuple[Percentile, ...] = ("p50", "p95", "p99", "p999", "max")


class LatencyFigures(TypedDict, total=False):
    """What succeeded in one phase (count and percentiles in ms), and the errors beside it.

    Empty where the phase had no operation; without percentiles where none succeeded.
    """

    n: int
    p50: float
    p95: float
    p99: float
    p999: float
    max: float
    errors: int


class OperationFigures(TypedDict, Generic[Count]):
    """One operation by name, over the whole load; percentiles in ms."""

    n: Count
    errors: Count
    unknown: Count
    p50: float | None
    p99: float | None


class PhaseWindow(TypedDict):
    """One phase of the drill."""

    phase: str
    begin_s: float
    end_s: float


class PhaseMeasures(TypedDict, total=False):
    """What was measured beside the promise in one phase; a key is absent where nothing was.

    `cv` is the coefficient of variation over the instances in service, of the requests that they
    answered within two seconds and of the sessions that they have: its greatest value, and its
    value at the end of the phase; see `check/metrics/imbalance.py`.
    """

    instances: int
    """in service at the end of the phase"""
    requests_cv_max: float
    requests_cv_end: float
    sessions_cv_max: float
    sessions_cv_end: float
    hit_rate: float
    """share of the lookups in the cache that found their key; see `check/metrics/samples.py`"""
    queue_depth_max: dict[str, int]
    """messages by queue"""
    dead_letters_max: dict[str, int]
    """messages in its dead-letter queue, by queue"""
    queue_age_s_max: float
    """the oldest message was at least this old"""
    lag_bytes_max: dict[str, int]
    """how far the replica was behind its primary, by service"""
    lag_s_max: dict[str, float]
    cpu_s_per_1000: float
    """processor seconds of instances and workers for 1,000 operations that succeeded"""
    memory_mib: float
    """resident memory of instances and workers together, on average"""
    sampler_cpu_pct: float
    """what taking the samples cost, of one processor"""


class SampleSeries(TypedDict):
    """What was sampled at `t_s`, or since the sample before; equally long lists, some by name.

    None: it was not known.
    """

    t_s: list[float]
    hits: list[int | None]
    misses: list[int | None]
    depth: dict[str, list[int | None]]
    dead_letters: dict[str, list[int | None]]
    age_s: list[float | None]
    lag_bytes: dict[str, list[int | None]]
    lag_s: dict[str, list[float | None]]
    cpu_s: list[float | None]
    memory_mib: list[float | None]
    sampler_ms: list[float]


class Series(TypedDict):
    """The course of the run in bins of `bin_s`; equally long lists.

    `instances` and what follows it are there where the events name instances in service, at the
    end of each bin. `samples` are there where the target was sampled; they have times of their own.
    """

    bin_s: float
    t_s: list[float]
    ok: list[int]
    failed: list[int]
    p50_ms: list[float | None]
    p99_ms: list[float | None]
    lost_writes: list[int]
    lost_sessions: list[int]
    stale: list[int]
    instances: NotRequired[list[int]]
    requests_cv: NotRequired[list[float | None]]
    sessions_cv: NotRequired[list[float | None]]
    samples: NotRequired[SampleSeries]


class ThresholdResult(TypedDict):
    """One threshold; `value` is None where nothing was measured."""

    threshold: str
    outcome: VerdictOutcome
    value: float | None
    evidence: NotRequired[str]


class Breakpoint(TypedDict):
    """What a profile that searches the breaking point found, in `unit` (users, arrivals/s)."""

    held: float
    """the last load that held; 0: none"""
    broke: float | None
    """the first that did not; None: nothing broke"""
    unit: str
    why: str
    """what broke; empty: nothing"""
    phase: str | None
    """the phase of the drill in which it broke"""


class Footing(TypedDict):
    """Whether the baseline carried the planned load; see `check/metrics/footing.py`.

    `dead_addresses` are the attempts to connect, in the whole load, that found nobody at one
    address of the host before another answered, and `dead_addresses_s` the time they took; both are
    there when there were any.

    Without a baseline only the rates and the lag are there, as None; the last three are there
    when sessions arrive at a rate.
    """

    outcome: VerdictOutcome
    why: list[str]
    planned_rate: float | None
    achieved_rate: float | None
    schedule_lag_ms_p99: float | None
    success_ratio: NotRequired[float | None]
    schedule_lag_bound_ms: NotRequired[float]
    cpu_pct: NotRequired[float | None]
    dropped: NotRequired[int]
    waited_share: NotRequired[float]
    pool_users: NotRequired[int]
    pool_users_lacking: NotRequired[int]
    dead_addresses: NotRequired[int]
    dead_addresses_s: NotRequired[float]
