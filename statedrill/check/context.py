"""What the judgement of every part needs to know of the drill: times, limits, thresholds.

Made once from plan and events, small and picklable: it travels to the processes that judge parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from statedrill.check.numeric.arrays import Array
from statedrill.check.unplanned_exits import exits_without_fault
from statedrill.history.operation import FOREVER
from statedrill.history.store import History
from statedrill.inputs.thresholds import Threshold, parse_threshold
from statedrill.plan.record import PlanRecord

BIN_S = 0.5
_MOST_BINS = 7200
_DEFAULT_TTL_S = 86_400.0
_DEFAULT_TIMEOUT_S = 60.0
_BACKUPS = ("backups", "snapshots", "versioning")  # options of services that can be restored
_CLOCKS_NS = 50_000_000  # a restore point may come from the clock of another process


@dataclass(frozen=True)
class RestoreObjective:
    """What a pattern promises to restore after a mistake: what was acknowledged before `point_ns`,
    `rpo_s` before the first such failure began.

    `restored_ns` is when it was over; FOREVER where no event says so. `recorded_ns` is the earliest
    restore point that an event names: what a service itself had confirmed by then must be back,
    too, however young it is. None: no event names any. `other_ns` is when the last other failure
    began that the pattern does not survive; None: there was none.
    """

    rpo_s: float
    point_ns: int
    restored_ns: int
    recorded_ns: int | None = None
    other_ns: int | None = None

    @property
    def confirmed_by_ns(self) -> int:
        """What a service itself had confirmed before this moment must be back."""
        return max(self.point_ns, self.recorded_ns or self.point_ns)

    def must_be_back(self, confirmed_ns: Array, seen_ns: Array) -> Array:
        """Whether what was confirmed at each of `confirmed_ns` must be there at the call of the
        response beside it: it is old enough, the restore is over, and no other failure began
        since that may have lost it.
        """
        other_ns = -1 if self.other_ns is None else self.other_ns
        old = (confirmed_ns < self.confirmed_by_ns) & (confirmed_ns >= other_ns)
        back: Array = old & (seen_ns >= self.restored_ns)
        return back


@dataclass(frozen=True)
class CheckContext:
    """`origin_ns` is the zero of the verdict's times; `fault_begins_ns` are sorted.

    `drained`: the queue was seen empty before the audit; `complete`: no load process was lost.
    `bins` bins of `bin_ns` cover the run. `lateness_ns` is the bounded column's: the load
    balancer's time-out, and the queue's visibility time-out where the pattern has a queue.
    `loss_window_ns`: from when to when state may have been lost by a failure that the pattern does
    not promise to survive, or by a part of the cluster that died by itself; to FOREVER where that
    has not ended. None: there was no such failure. `instances`: the events say which instances were
    in service. `ttl_ns`: for how long a session lives after its last use; `state_ttl_ns`: the same
    where it is promised, and the state may go with it. `restore`: None where data were not
    deleted, or no restoring is promised.
    `restored`: a service was restored from a backup, so that what was gone may be there again.
    """

    origin_ns: int
    end_ns: int
    bin_ns: int
    fault_begins_ns: tuple[int, ...]
    lateness_ns: int
    ttl_ns: int
    drained: bool
    complete: bool
    loss_window_ns: tuple[int, int] | None
    thresholds: tuple[Threshold, ...]
    aborted: tuple[tuple[str, float], ...] = ()  # thresholds that ended the drill, and the value
    instances: bool = False
    restore: RestoreObjective | None = None
    state_ttl_ns: int = FOREVER
    restored: bool = False

    @property
    def bins(self) -> int:
        """Number of bins of the series."""
        return max(1, -(-(self.end_ns - self.origin_ns + 1) // self.bin_ns))

    @property
    def fault_ns(self) -> int | None:
        """The first fault's begin."""
        return self.fault_begins_ns[0] if self.fault_begins_ns else None

    def whole_bins(self, begin_ns: int, end_ns: int) -> slice:
        """The bins that lie whole between two moments."""
        begin = -((self.origin_ns - begin_ns) // self.bin_ns)
        end = (end_ns - self.origin_ns) // self.bin_ns
        return slice(max(0, begin), max(0, begin, min(end, self.bins)))

    def bin_of(self, ns: int) -> int:
        """The bin that a moment lies in, or the nearest one."""
        return max(0, min((ns - self.origin_ns) // self.bin_ns, self.bins - 1))

    def seconds(self, ns: int) -> float:
        """A moment as seconds since the origin."""
        return round((ns - self.origin_ns) / 1e9, 6)


def make_context(history: History, plan: PlanRecord, first: int, last: int) -> CheckContext:
    """The context of a drill whose operations run from `first` to `last` (ns).

    Raises:
        InputError: a threshold of the plan does not follow the grammar.
    """
    times = [event["t"] for event in history.events]
    if history.rows or not times:  # without operations the events alone say when it was
        times += [first, last]
    origin, end = min(times), max(times)
    bin_ns = int(BIN_S * 1e9)
    while (end - origin) // bin_ns >= _MOST_BINS:
        bin_ns *= 2
    faults = [event["t"] for event in history.events if event["event"] == "fault-begin"]
    drained = [event["drained"] for event in history.events if event["event"] == "settled"]
    return CheckContext(
        origin_ns=origin,
        end_ns=end,
        bin_ns=bin_ns,
        fault_begins_ns=tuple(sorted(faults)),
        lateness_ns=_lateness_ns(plan),
        ttl_ns=_ttl_ns(plan),
        drained=bool(drained) and drained[-1],
        complete=not history.incomplete,
        loss_window_ns=_loss_window_ns(history, plan["pattern"]["promise"]["survives"]),
        thresholds=tuple(parse_threshold(text) for text in plan["thresholds"]),
        aborted=tuple(
            (event["threshold"], event["value"])
            for event in history.events
            if event["event"] == "aborted"
        ),
        instances=any(event["event"] == "instance" for event in history.events),
        restore=_restore(history, plan),
        state_ttl_ns=_promised_ttl_ns(plan) or FOREVER,
        restored=any(event["event"] == "restore" for event in history.events),
    )


def _loss_window_ns(history: History, survives: Sequence[str]) -> tuple[int, int] | None:
    exits = exits_without_fault(history.events, survives)
    died = [each.at_ns for each in exits if not each.of_application]
    open_faults: dict[str, int] = {}
    begins, ends = [*died], [FOREVER] if died else []
    for event in history.events:
        if event["event"] == "fault-begin" and event["domain"] not in survives:
            begins.append(event["t"])
            open_faults[event["fault"]] = FOREVER
        elif event["event"] == "fault-end" and event["fault"] in open_faults:
            open_faults[event["fault"]] = event["t"]
    ends += open_faults.values()
    return (min(begins), max(ends)) if begins else None


def _restore(history: History, plan: PlanRecord) -> RestoreObjective | None:
    promised = plan["pattern"]["promise"].get("restores")
    begins = {
        event["fault"]: event["t"]
        for event in history.events
        if event["event"] == "fault-begin"
        and event["domain"] == "data"
        and _is_backed_up(event["targets"], plan["pattern"].get("services", {}))
    }
    if not promised or not begins:
        return None
    ends = {event["fault"]: event["t"] for event in history.events if event["event"] == "fault-end"}
    rpo = promised["rpo_s"]
    rpo_s = float(plan["timings"][rpo] if isinstance(rpo, str) else rpo)  # type: ignore[literal-required]
    return RestoreObjective(
        rpo_s=rpo_s,
        point_ns=min(begins.values()) - int(rpo_s * 1e9),
        restored_ns=max(ends.get(fault, FOREVER) for fault in begins),
        recorded_ns=min(
            (
                event["point"] - _CLOCKS_NS
                for event in history.events
                if event["event"] == "restore" and event["t"] > min(begins.values())
            ),
            default=None,
        ),
        other_ns=max(
            (
                event["t"]
                for event in history.events
                if event["event"] == "fault-begin"
                and event["fault"] not in begins
                and event["domain"] not in plan["pattern"]["promise"]["survives"]
            ),
            default=None,
        ),
    )


def _is_backed_up(targets: Sequence[str], services: Mapping[str, Any]) -> bool:
    """Whether what a fault hit can be restored; a target that names no service counts as such."""
    known = [services.get(target.partition("-")[0]) for target in targets]
    hit = [options for options in known if isinstance(options, Mapping)]
    return not hit or any(options.get(word) for options in hit for word in _BACKUPS)


def _lateness_ns(plan: PlanRecord) -> int:
    timings = plan["timings"]
    lateness_s = timings.get("load_balancer_timeout_s", _DEFAULT_TIMEOUT_S)
    if plan["pattern"]["services"].get("queue", False) is not False:
        lateness_s += timings.get("queue_visibility_s", 0.0)
    return int(lateness_s * 1e9)


def _promised_ttl_ns(plan: PlanRecord) -> int | None:
    promised_s = plan["pattern"]["promise"].get("session_ttl_s")
    return None if promised_s is None else int(promised_s * 1e9)


def _ttl_ns(plan: PlanRecord) -> int:
    """How long a session lives: as it is promised, else as the application keeps it; for good,
    where its setting is no such number.
    """
    if promised_ns := _promised_ttl_ns(plan):
        return promised_ns
    env = plan["pattern"]["application"]["env"]
    try:
        return int(float(env.get("SESSION_TTL_S", _DEFAULT_TTL_S)) * 1e9)
    except (ValueError, OverflowError):
        return FOREVER
