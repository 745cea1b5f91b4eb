"""What the target's parts counted once a second: cache, queues, replication, the application.

Figures of two samples belong to the phase in which the middle of the time between them lies.

- `hit_rate`: lookups in the cache that found their key, of all, on one and the same primary.
- `queue_depth_max`: messages visible, in flight and delayed, by queue. `queue_age_s_max`: the
  oldest message is at least this old. Where d messages wait in one queue, they are at best the d
  writes that were queued last (accepted, or of unknown outcome); the oldest of these is that old.
  A single message that stays for ever does not show in the age while others come and go; it shows
  in the depth.
- `dead_letters_max`: messages in the dead-letter queue, by queue; they are in no depth.
- `lag_bytes_max`, `lag_s_max`: how far the replica's position in the stream of changes is behind
  its primary's, by service and by read replica, and for how long the primary has been beyond that
  position (between two samples its course is taken as even).
- `cpu_s_per_1000`: processor seconds of instances and workers for 1,000 operations that succeeded;
  `memory_mib`: resident memory of all of them together, on average. A process that is new counts
  from its start, one that died until its last sample.
- `sampler_cpu_pct`: what taking the samples cost, of one processor.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from statedrill.check.context import CheckContext
from statedrill.check.metrics.record import PhaseMeasures, SampleSeries
from statedrill.check.metrics.traffic import Traffic
from statedrill.check.numeric.arrays import Array
from statedrill.history.events import Sample
from statedrill.history.sample import ServiceSample
from statedrill.history.store import History, Part
from statedrill.vocabulary import Kind, Outcome, Phase

_PHASES = (Phase.BASELINE, Phase.FAULT, Phase.RECOVERY)


def queued(part: Part, context: CheckContext) -> dict[str, Array]:
    """Writes that may have been queued, by bin of their answer; additive over parts."""
    may = (part["outcome"] == Outcome.ACCEPTED) | (part["outcome"] == Outcome.UNKNOWN)
    ret = part["ret"][may & (part["kind"] != Kind.READ)]
    bins = np.clip((ret - context.origin_ns) // context.bin_ns, 0, context.bins - 1)
    return {"queued": np.bincount(bins, minlength=context.bins)}


def sampled(history: History, context: CheckContext, writes: Array) -> SampleSeries | None:
    """The course of what was sampled; None where nothing was. `writes` are those of `queued`."""
    taken = [event for event in history.events if event["event"] == "sample"]
    if not taken:
        return None
    services = sorted({key for each in taken for key in each["services"]})
    lags = {key: found for key in services if any(found := _lags(taken, key))}
    lags |= {
        name: _lags(taken, key, name) for key in services for name in _read_replicas(taken, key)
    }
    return {
        "t_s": [context.seconds(each["t"]) for each in taken],
        "hits": [None, *(_lookups(*pair)[0] for pair in pairwise(taken))],
        "misses": [None, *(_lookups(*pair)[1] for pair in pairwise(taken))],
        "depth": _by_queue([_depths(each) for each in taken]),
        "dead_letters": _by_queue([_dead_letters(each) for each in taken]),
        "age_s": [_age_s(each, writes, context) for each in taken],
        "lag_bytes": {key: [each and each[0] for each in found] for key, found in lags.items()},
        "lag_s": {key: [each and each[1] for each in found] for key, found in lags.items()},
        "cpu_s": [None, *(_cpu_s(*pair) for pair in pairwise(taken))],
        "memory_mib": [_memory_mib(each) for each in taken],
        "sampler_ms": [each["cpu_ms"] for each in taken],
    }  # fmt: skip


def measures_of(
    series: SampleSeries, history: History, context: CheckContext, traffic: Traffic
) -> dict[str, PhaseMeasures]:
    """The figures of each phase that has samples."""
    found: dict[str, PhaseMeasures] = {}
    for phase, begin_ns, end_ns in history.windows():
        begin_s, end_s = context.seconds(begin_ns), context.seconds(end_ns)
        within = [at for at, t_s in enumerate(series["t_s"]) if begin_s <= t_s < end_s]
        if phase in _PHASES and within:
            name = phase.name.lower()
            served = traffic.outcomes[phase][[Outcome.OK, Outcome.ACCEPTED]].sum()
            found[name] = _of_phase(series, within, (begin_s, end_s), int(served))
    return found


def _of_phase(
    series: SampleSeries, within: list[int], span_s: tuple[float, float], served: int
) -> PhaseMeasures:
    figures: PhaseMeasures = {}
    times = series["t_s"]
    pairs = [at for at in range(1, len(times))
             if span_s[0] <= (times[at - 1] + times[at]) / 2 < span_s[1]]  # fmt: skip
    hits, misses = (_known(series[key], pairs) for key in ("hits", "misses"))
    if lookups := sum(hits) + sum(misses):
        figures["hit_rate"] = round(sum(hits) / lookups, 4)
    if depths := _greatest(series["depth"], within):
        figures["queue_depth_max"] = {queue: int(depth) for queue, depth in depths.items()}
    if letters := _greatest(series["dead_letters"], within):
        figures["dead_letters_max"] = {queue: int(count) for queue, count in letters.items()}
    if ages := _known(series["age_s"], within):
        figures["queue_age_s_max"] = max(ages)
    if lags := _greatest(series["lag_bytes"], within):
        figures["lag_bytes_max"] = {key: int(lag) for key, lag in lags.items()}
        figures["lag_s_max"] = _greatest(series["lag_s"], within)
    elapsed_s = sum(times[at] - times[at - 1] for at in pairs)
    if cpu_s := sum(_known(series["cpu_s"], pairs)):
        if served:
            of_phase_s = cpu_s / elapsed_s * (span_s[1] - span_s[0])
            figures["cpu_s_per_1000"] = round(of_phase_s / served * 1000, 3)
        figures["memory_mib"] = round(float(np.mean(_known(series["memory_mib"], within))), 1)
    if elapsed_s:
        cost_ms = sum(_known(series["sampler_ms"], pairs))
        figures["sampler_cpu_pct"] = round(cost_ms / 10 / elapsed_s, 2)
    return figures


def _known(values: Sequence[float | None], places: Sequence[int]) -> list[float]:
    return [value for at in places if (value := values[at]) is not None]


def _greatest(
    by_name: dict[str, list[int | None]] | dict[str, list[float | None]], places: Sequence[int]
) -> dict[str, float]:
    found = {name: _known(values, places) for name, values in by_name.items()}
    return {name: max(values) for name, values in found.items() if values}


def _services(sample: Sample) -> Iterator[ServiceSample]:
    yield from sample["services"].values()


def _depths(sample: Sample) -> dict[str, int]:
    return {
        queue: depth
        for each in _services(sample)
        for queue, depth in each.get("depths", {}).items()
    }


def _dead_letters(sample: Sample) -> dict[str, int]:
    return {
        queue: count
        for each in _services(sample)
        for queue, count in each.get("dead_letters", {}).items()
    }


def _by_queue(counts: Sequence[dict[str, int]]) -> dict[str, list[int | None]]:
    """What each sample counted, by queue."""
    queues = sorted({queue for each in counts for queue in each})
    return {queue: [each.get(queue) for each in counts] for queue in queues}


def _lookups(before: Sample, after: Sample) -> tuple[int | None, int | None]:
    """Hits and misses between two samples; None where the primary was another, or began anew."""
    for key, later in after["services"].items():
        earlier = before["services"].get(key, {})
        if "hits" not in earlier or "hits" not in later or earlier.get("node") != later.get("node"):
            continue
        hits, misses = later["hits"] - earlier["hits"], later["misses"] - earlier["misses"]
        if hits >= 0 and misses >= 0:
            return hits, misses
    return None, None


def _age_s(sample: Sample, writes: Array, context: CheckContext) -> float | None:
    """How old the oldest message is at least."""
    depths = _depths(sample)
    if not depths:
        return None
    now = context.bin_of(sample["t"])
    newest_first = np.cumsum(writes[: now + 1][::-1])
    deepest = max(depths.values())
    if not deepest or not newest_first[-1]:
        return 0.0
    back = int(np.searchsorted(newest_first, min(deepest, newest_first[-1])))
    # It came at the end of its bin at the latest.
    came_ns = context.origin_ns + (now - back + 1) * context.bin_ns
    return round(max(0, sample["t"] - came_ns) / 1e9, 3)


def _read_replicas(taken: Sequence[Sample], key: str) -> list[str]:
    """The names of all read replicas that a service had."""
    return sorted(
        {name for each in taken for name in each["services"].get(key, {}).get("read_replicas", {})}
    )


def _lags(
    taken: Sequence[Sample], key: str, read_replica: str = ""
) -> list[tuple[int, float] | None]:
    """Bytes and seconds that the replica of a service was behind, at each sample.

    Its standby or only replica, or one of its read replicas, named.
    """
    found: list[tuple[int, float] | None] = []
    node = ""
    course: list[tuple[int, int]] = []  # of one primary: position and time
    for each in taken:
        seen = each["services"].get(key, {})
        applied = seen.get("applied")
        if read_replica:
            applied = seen.get("read_replicas", {}).get(read_replica)
        if "written" not in seen or applied is None:
            found.append(None)
            continue
        if seen.get("node", "") != node:
            node, course = seen.get("node", ""), []
        course.append((seen["written"], each["t"]))
        behind = max(0, seen["written"] - applied)
        since_ns = _when(course, applied) if behind else each["t"]
        found.append((behind, round((each["t"] - since_ns) / 1e9, 3)))
    return found


def _when(course: Sequence[tuple[int, int]], position: int) -> float:
    """When the primary was at `position` the last time; its last sample is beyond it."""
    after = bisect_right(course, position, key=lambda seen: seen[0])
    if after == 0:
        return course[0][1]  # before it was sampled: at least since then
    (low, begin), (high, end) = course[after - 1], course[after]
    return begin + (end - begin) * (position - low) / (high - low)


def _cpu_s(before: Sample, after: Sample) -> float:
    """Processor seconds of the application between two samples."""
    used = 0.0
    for name, later in after["processes"].items():
        earlier = before["processes"].get(name)
        same = earlier is not None and earlier["pid"] == later["pid"]
        used += later["cpu_s"] - (earlier["cpu_s"] if earlier and same else 0.0)
    return round(max(0.0, used), 3)


def _memory_mib(sample: Sample) -> float | None:
    if not sample["processes"]:
        return None
    return round(sum(each["memory_mib"] for each in sample["processes"].values()), 1)
