"""The record in verdict.json: its keys and their types, shared by the judge and every reader.

Times are in seconds since the drill's first event (`_s`) or in milliseconds (`_ms`). `Count` is
`int` in what the judge writes (`Verdict`), and `int | None` in what a reader is given of a stored
file (`StoredVerdict`), because files of older versions lack some counts. Knows no check, no
metric and no file; imports nothing that judges. `docs/schema/verdict.schema.json` is made of it.
"""

from __future__ import annotations

from typing import Generic, NotRequired, TypeAlias

from typing_extensions import TypedDict

from statedrill.check.metrics.record import (
    Availability,
    Breakpoint,
    Count,
    Footing,
    LatencyFigures,
    OperationFigures,
    PhaseMeasures,
    PhaseWindow,
    Recovery,
    Series,
    Staleness,
    ThresholdResult,
    VisibilityPoint,
)
from statedrill.vocabulary import VerdictOutcome

SCHEMA = 1


class LossCauses(TypedDict, Generic[Count]):
    """What the first evidence of each lost session showed."""

    signed_out: Count
    another_session: Count
    audit: Count


class Sessions(TypedDict, Generic[Count]):
    """Sessions: how many there were, and what became of them; `outage`: lost, and back later;
    `expired`: gone when surely nobody had used them for longer than they live, which is no loss;
    absent where none did.
    """

    total: Count
    lost: Count
    outage: Count
    expired: NotRequired[Count]
    undecided: Count
    with_lost_writes: Count
    causes: LossCauses[Count]


class Writes(TypedDict, Generic[Count]):
    """Writes of state.

    `accepted` (into a queue) and `unaudited` (the audit could not read their object) are among the
    acknowledged ones.
    """

    acknowledged: Count
    accepted: Count
    lost: Count
    unknown: Count
    failed: Count
    duplicated: Count
    two_versions: Count
    resurrected: Count
    unaudited: Count
    unsettled: Count


class Reads(TypedDict, Generic[Count]):
    """Reads of state; `stale_accepted` are stale only against accepted writes."""

    total: Count
    stale: Count
    stale_accepted: Count
    leaked: Count
    after_loss: Count
    phantom: Count
    unrecorded: Count
    staleness_s: Staleness
    visibility: list[VisibilityPoint]


class GuaranteeCounts(TypedDict, Generic[Count]):
    """One session guarantee; a key of `guarantees` is a key of `vocabulary.GUARANTEES`."""

    opportunities: Count
    violations: Count


class FaultEvidence(TypedDict):
    """One fault: what was broken, from when to when, and the proof that it happened."""

    fault: str
    name: str | None
    domain: str | None
    targets: list[str]
    zone: str | None
    begin_s: float
    end_s: float | None
    how: str | None
    proved: bool
    proof: str | None
    phrase: NotRequired[str]
    """What happened, as the end of a sentence; absent in histories of an earlier version."""


class BackupEvidence(TypedDict):
    """A backup of a service, from its begin until it was complete: as far as `position`."""

    service: str
    what: str
    position: str
    begin_s: float
    end_s: float


class RestoreEvidence(TypedDict):
    """A service that was restored: what it acknowledged after the restore point is given up.

    Ordered by somebody, and done when it served from its backup.
    """

    service: str
    point_s: float
    position: str
    ordered_s: float
    restored_s: float


class ClauseResult(TypedDict):
    """One clause of the promise; one that is not promised never breaks the drill."""

    clause: str
    promised: bool
    outcome: VerdictOutcome
    evidence: str


class WitnessOperation(TypedDict):
    """One operation of a witness, as a reader sees it; without `ret_s` no answer was seen."""

    what: str
    kind: str
    outcome: str
    who: str
    call_s: float
    ret_s: float | None
    object: str
    wid: str | None
    shows: str
    ver: int | None
    instance: str | None
    status: int


_Class = TypedDict("_Class", {"class": str})


class Finding(_Class, Generic[Count]):
    """What one check found among the opportunities, counted in `unit` (reads, writes, ...)."""

    check: str
    outcome: VerdictOutcome
    unit: str
    opportunities: Count
    violations: Count
    primary: Count
    """violations whose class is this check's own: no earlier check sees them"""
    after_loss: Count
    """what follows from a lost state; not among the violations"""
    undecided: NotRequired[Count]
    """what may follow from a loss that no audit decides; not among the violations"""
    strict: Count
    bounded: Count
    """violations when no effect is later than `lateness_s`"""
    interval: list[float] | None
    """95 % confidence interval of the share, from resampling whole sessions"""
    witness: str | None
    operations: list[WitnessOperation]
    crash: NotRequired[str]
    """the exception that ended the check, which therefore is unknown"""


class VerdictRecord(TypedDict, Generic[Count]):
    """The verdict of one drill. The judge writes every key; the first versions lacked two."""

    schema: int
    outcome: VerdictOutcome
    summary: str
    why: list[str]
    pattern: str
    experiment: str
    scenario: str
    profile: str
    seed: int | None
    run: str | None
    sessions: Sessions[Count]
    writes: Writes[Count]
    reads: Reads[Count]
    guarantees: dict[str, GuaranteeCounts[Count]]
    availability: Availability
    recovery: Recovery[Count]
    latency_ms: dict[str, LatencyFigures]
    """by phase, from the intended start"""
    service_ms: dict[str, LatencyFigures]
    """by phase, from the call"""
    operations: dict[str, OperationFigures[Count]]
    faults: list[FaultEvidence]
    promise: list[ClauseResult]
    thresholds: list[ThresholdResult]
    footing: Footing
    findings: list[Finding[Count]]
    phases: list[PhaseWindow]
    series: NotRequired[Series]
    lateness_s: NotRequired[float]
    """the bound on late effects in the column `bounded`"""
    deaths: list[str]
    """processes that died though no fault took them, one sentence each"""
    breakpoint: NotRequired[Breakpoint]
    """only of a profile that searches it"""
    backups: NotRequired[list[BackupEvidence]]
    """only where there were any"""
    restores: NotRequired[list[RestoreEvidence]]
    """only where there were any"""
    measures: NotRequired[dict[str, PhaseMeasures]]
    """by phase: what was measured beside the promise; not judged"""


Verdict: TypeAlias = VerdictRecord[int]
"""As the judge writes it: complete."""
StoredVerdict: TypeAlias = VerdictRecord[int | None]
"""As a reader is given it: what a file of an older version lacks is None or empty."""
