"""Was the service there: the share of what succeeded, the outage, and the time to recover.

- `ratio`: succeeded / all operations of the phases fault and recovery (of the whole load where
  there are none). An operation answered "not signed in" did not succeed: nobody got what they
  asked for.
- A window is W = 1 s, moved by one bin (half a second; runs over an hour have longer bins and then
  W is one bin). It is good when its success is at least 0.99 times the baseline's and its p95 at
  most 3 times the baseline's (below 50 ms nothing counts as slow). Where the profile plans more
  than in the baseline, latencies are not comparable (`planned_load` says when), and success alone
  decides. A window without operations is as good as the one before it: users who wait call nothing.
- `rto_availability_s`: first t >= t0 such that every window that begins at t or later is good,
  minus t0, where t0 is the first fault's begin; 0 when none was bad, None when the last one was.
- `outage_s`, `degraded_s`: total time of the bins from t0 to the end of the load whose success was
  below half of, or below 0.99 times, the baseline's. `longest_outage_s`: its longest stretch. A
  profile that ends by itself ends the load: later bins are none of its.
- `latency_not_comparable_s`: total time of those bins in which latencies were not compared; absent
  when there was none.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.context import CheckContext
from statedrill.check.metrics.record import Availability
from statedrill.check.metrics.traffic import LOAD_PHASES, Traffic
from statedrill.check.numeric.arrays import Array, run_starts
from statedrill.check.numeric.histogram import COARSE, Histogram, buckets, middle_ns
from statedrill.check.numeric.quantile import quantile_bucket
from statedrill.vocabulary import Outcome, Phase

SUCCESS_SHARE = 0.99
OUTAGE_SHARE = 0.5
SLOWER = 3.0
NEVER_SLOW_MS = 50.0
WINDOW_S = 1.0


def availability(
    traffic: Traffic,
    context: CheckContext,
    load_ns: tuple[int, int],
    comparable: Array | None = None,
) -> tuple[Availability, float | None]:
    """The key "availability" of the verdict, and the RTO of availability in seconds.

    `load_ns` is when to begin (the fault, or what stands for it) and the end of the load;
    `comparable` says per bin whether latencies may be compared with the baseline's (None: all).
    """
    success = baseline_success(traffic)
    good_success = _bin_success(traffic, context, load_ns)
    if success is None or len(good_success) == 0:
        return {"ratio": _ratio(traffic), "outage_s": None, "degraded_s": None}, None
    bin_s = context.bin_ns / 1e9
    down = good_success < OUTAGE_SHARE * success
    figures: Availability = {
        "ratio": _ratio(traffic),
        "outage_s": round(float(down.sum()) * bin_s, 3),
        "longest_outage_s": round(_longest(down) * bin_s, 3),
        "degraded_s": round(float((good_success < SUCCESS_SHARE * success).sum()) * bin_s, 3),
    }
    if comparable is None:
        comparable = np.ones(context.bins, dtype=bool)
    if apart := int((~comparable[_span(context, load_ns)]).sum()):
        figures["latency_not_comparable_s"] = round(apart * bin_s, 3)
    return figures, _rto_s(traffic, context, load_ns, success, comparable)


def baseline_success(traffic: Traffic) -> float | None:
    """The share that succeeded in the baseline (in the whole load where there was none)."""
    share = success_of(traffic, (Phase.BASELINE,))
    return share if share is not None else success_of(traffic, LOAD_PHASES)


def success_of(traffic: Traffic, phases: tuple[Phase, ...]) -> float | None:
    """The share of the operations of `phases` that succeeded; None where there were none."""
    counts = traffic.outcomes[[int(phase) for phase in phases]].sum(axis=0)
    total = int(counts.sum())
    served = int(counts[Outcome.OK] + counts[Outcome.ACCEPTED])
    return served / total if total else None


def _ratio(traffic: Traffic) -> float | None:
    share = success_of(traffic, (Phase.FAULT, Phase.RECOVERY))
    share = share if share is not None else success_of(traffic, LOAD_PHASES)
    return None if share is None else round(share, 6)


def _span(context: CheckContext, load_ns: tuple[int, int]) -> slice:
    """The whole bins between two moments."""
    begin = (load_ns[0] - context.origin_ns) // context.bin_ns
    end = (load_ns[1] - context.origin_ns) // context.bin_ns
    return slice(max(0, begin), max(0, min(end, context.bins)))


def _bin_success(traffic: Traffic, context: CheckContext, load_ns: tuple[int, int]) -> Array:
    span = _span(context, load_ns)
    return _carried(traffic.ok[span], traffic.failed[span])


def _carried(ok: Array, failed: Array) -> Array:
    """The share of success; where nothing was called, that of the place before."""
    total = ok + failed
    share = np.where(total > 0, ok / np.maximum(total, 1), 1.0)
    last = np.maximum.accumulate(np.where(total > 0, np.arange(len(total)), 0))
    carried: Array = share[last] if len(share) else share
    return carried


def _rto_s(
    traffic: Traffic,
    context: CheckContext,
    load_ns: tuple[int, int],
    success: float,
    comparable: Array,
) -> float | None:
    if context.fault_ns is None:
        return None
    span = _span(context, load_ns)
    wide = max(1, round(WINDOW_S * 1e9 / context.bin_ns))
    ok, failed = (_windowed(each[span], wide) for each in (traffic.ok, traffic.failed))
    if len(ok) == 0:
        return None
    bad = _carried(ok, failed) < SUCCESS_SHARE * success
    may_be_slow = _windowed(comparable[span], wide) == wide
    bad |= may_be_slow & _slow(traffic, _windowed(traffic.shape[span], wide))
    last = np.flatnonzero(bad)
    if len(last) == 0:
        return 0.0
    if last[-1] == len(bad) - 1:
        return None
    over_ns = context.origin_ns + (span.start + int(last[-1]) + 1) * context.bin_ns
    return float(round(max(0, over_ns - context.fault_ns) / 1e9, 3))


def _slow(traffic: Traffic, shapes: Array) -> Array:
    base = traffic.latency.get(Phase.BASELINE)
    p95_ms = base.quantile_ms(0.95) if isinstance(base, Histogram) else None
    if p95_ms is None:
        return np.zeros(len(shapes), dtype=bool)
    slow: Array = quantiles_ms(shapes, 0.95) > max(SLOWER * p95_ms, NEVER_SLOW_MS)
    return slow


def quantiles_ms(shapes: Array, share: float) -> Array:
    """The quantile of each row of coarse bucket counts; NaN where a row is empty."""
    if len(shapes) == 0:
        return np.zeros(0)
    bucket = np.minimum(quantile_bucket(shapes, share), buckets(COARSE) - 1)
    return np.where(shapes.any(axis=1), middle_ns(bucket, COARSE) / 1e6, np.nan)


def _windowed(bins: Array, wide: int) -> Array:
    """Sums over `wide` neighbouring bins, one per place where they fit."""
    if len(bins) < wide:
        return bins[:0].astype(np.int64)
    running = np.cumsum(bins, axis=0, dtype=np.int64)
    running = np.concatenate([np.zeros_like(running[:1]), running])
    sums: Array = running[wide:] - running[:-wide]
    return sums


def _longest(mask: Array) -> int:
    starts = np.flatnonzero(run_starts(mask)) if len(mask) else np.zeros(0, dtype=np.int64)
    lengths = np.diff(np.append(starts, len(mask)))
    return int(lengths[mask[starts]].max(initial=0))
