"""What the cluster and the drill did, on the same clock as the operations.

One JSON object a line in `events.jsonl`, flushed at once. Knows the kinds of events and their
fields, shared by those who emit and those who read; knows nothing of what follows from an event.
`docs/schema/event.schema.json` is made of the types here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, cast, get_args

from typing_extensions import TypedDict

from statedrill.errors import HistoryError
from statedrill.history.lines import DAMAGED, read_lines
from statedrill.history.operation import FOREVER
from statedrill.history.sample import ProcessSample, ServiceSample
from statedrill.records import fields, problem
from statedrill.vocabulary import PHASE_NAMES


class Stamp(TypedDict):
    """What every event has: `t` in ns of the drill's monotonic clock, `wall` in seconds of Unix."""

    t: int
    wall: float


class PhaseBegin(Stamp):
    """A phase of the drill begins; `end` closes the last one."""

    event: Literal["phase"]
    phase: str


class ClusterReady(Stamp):
    """Every part of the cluster is there and healthy."""

    event: Literal["cluster-ready"]
    took_s: float


class ProcessState(Stamp):
    """A supervised process changed its state; `why` and `log_tail` say how one died unasked."""

    event: Literal["process"]
    name: str
    role: str
    zone: str
    state: str
    pid: int | None
    why: NotRequired[str]
    log_tail: NotRequired[str]


class InstanceState(Stamp):
    """An instance of the Auto Scaling group changed its state.

    `why`: the group ended it although nobody had asked for that.
    """

    event: Literal["instance"]
    id: str
    role: str
    zone: str
    address: str
    state: str
    why: NotRequired[str]


class ScalingActivity(Stamp):
    """Target tracking gave a group another desired number of instances."""

    event: Literal["scaling"]
    role: str
    was: int
    desired: int
    why: str


class VolumeAttachment(Stamp):
    """A volume was `attached` to an instance, or is `available` again once that was fenced."""

    event: Literal["volume"]
    id: str
    zone: str
    state: str
    instance: str


_FromTo = TypedDict("_FromTo", {"from": str, "to": str})


class Failover(Stamp, _FromTo):
    """A service is served by another node from now on."""

    event: Literal["failover"]
    service: str


class Backup(Stamp):
    """From now on a service can be restored to `point`; the backup began at `began`, in ns as `t`.

    `what` is "base backup", "log" or "snapshot"; `position` is the point in the service's words.
    """

    event: Literal["backup"]
    service: str
    what: str
    began: int
    point: int
    position: str


class Restore(Stamp):
    """From now on a service serves from its backup: what it acknowledged after `point` is given up.

    `began`: when the restore was ordered; all times in ns, as `t`.
    """

    event: Literal["restore"]
    service: str
    began: int
    point: int
    position: str


class FaultBegin(Stamp):
    """A fault begins; nothing is broken yet. `fault` is its id within the run."""

    event: Literal["fault-begin"]
    fault: str
    name: str
    domain: str
    targets: list[str]
    zone: NotRequired[str]
    phrase: NotRequired[str]
    """What happened, as the end of a sentence: "when" + phrase; absent in older histories."""


class FaultProof(Stamp):
    """Whether the fault really happened, and how that was seen."""

    event: Literal["fault-proof"]
    fault: str
    proved: bool
    proof: str


class FaultEnd(Stamp):
    """What the fault took away is there again."""

    event: Literal["fault-end"]
    fault: str
    how: str


class ExperimentEnd(Stamp):
    """What Chaos Toolkit wrote in its journal; `failed` has a sentence per activity that failed."""

    event: Literal["experiment"]
    status: str | None
    deviated: bool | None
    failed: list[str]


class LoadSilent(Stamp):
    """A load process is not heard any more."""

    event: Literal["load-silent"]
    worker: int
    phase: str


class LoadEnded(Stamp):
    """The load generator ended by itself, with a whole record: its profile was over."""

    event: Literal["load-ended"]
    phase: str


class BreakpointFound(Stamp):
    """What the profile's search for the breaking point found, in `unit`, once the load was over."""

    event: Literal["breakpoint"]
    held: float
    """the last load that held; 0: none"""
    broke: float | None
    """the first that did not; None: nothing broke"""
    unit: str
    why: str


class Sample(Stamp):
    """What the target's parts had counted, once a second; looking took `cpu_ms` of a processor."""

    event: Literal["sample"]
    cpu_ms: float
    services: dict[str, ServiceSample]
    processes: dict[str, ProcessSample]


class Settled(Stamp):
    """The queues were watched before the audit; `drained`: seen empty."""

    event: Literal["settled"]
    drained: bool
    queue_depth: int


class Aborted(Stamp):
    """A threshold with `abortOnFail` ended the load."""

    event: Literal["aborted"]
    threshold: str
    value: float


class Interrupted(Stamp):
    """The user stopped the drill."""

    event: Literal["interrupted"]
    why: str


class Crash(Stamp):
    """The drill, or its audit, ended by an error."""

    event: Literal["crash"]
    why: str


Event: TypeAlias = (
    PhaseBegin
    | ClusterReady
    | ProcessState
    | InstanceState
    | ScalingActivity
    | VolumeAttachment
    | Failover
    | Backup
    | Restore
    | FaultBegin
    | FaultProof
    | FaultEnd
    | ExperimentEnd
    | LoadSilent
    | LoadEnded
    | BreakpointFound
    | Sample
    | Settled
    | Aborted
    | Interrupted
    | Crash
)
"""One line of events.jsonl. A file may have kinds of a newer version: readers pass over them."""


class _NewerEvent(Stamp):
    event: str


_KINDS = {get_args(fields(kind)["event"][0])[0]: kind for kind in get_args(Event)}


class Emit(Protocol):
    """A thread-safe sink for events: `emit("failover", service="cache", ...)`."""

    def __call__(self, event: str, **fields: Any) -> None:
        """Stamp and record one event."""


def read_events(path: Path) -> list[Event]:
    """The events of a drill in the order in which they were emitted.

    Raises:
        HistoryError: a line that is not the last is no JSON object, or an event lacks a field.
    """
    found: list[Event] = []
    for number, event in read_lines(path):
        wrong = problem(event, _KINDS.get(str(event.get("event")), _NewerEvent))
        if wrong := wrong or _impossible(event):
            raise HistoryError(f"{path}:{number}: {wrong}", DAMAGED)
        found.append(cast(Event, event))
    return found


def _impossible(event: Mapping[str, Any]) -> str | None:
    """What no drill can have emitted although its kind is right."""
    if not 0 <= event["t"] < FOREVER:
        return "t: no moment of a monotonic clock"
    if event["event"] == "phase" and event["phase"] not in (*PHASE_NAMES, "end"):
        return f"phase: there is none of this name: {event['phase'][:40]!r}"
    return None
