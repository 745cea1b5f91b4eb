"""Did the drill stand on firm ground: was the planned load really there before anything broke?

Footing holds when in the baseline at least 95 % of the planned rate was completed, at least 99 %
succeeded, and the generator was on its schedule: p99 of the lag of operations behind their
intended start at most 100 ms (a tenth of the default pace; 250 ms where only the greatest lag of
each second is known, which overstates the p99), its processors less than 90 % busy, and nothing
dropped at any time. When sessions arrive at a rate, the pool must have the users that they need at
once (Little's law: rate x length of a session).

What is planned is what the profile says for that moment (`planned_load`): the planned rate is the
mean of the plan over the baseline, the least one that any allowed lag of the load gives; and the
load must have followed its profile from the baseline to its end. Where the profile plans more than
in the baseline, the generator's processors must be less than 90 % busy, too, and its greatest lag
in each second at most 250 ms on average. A record without the plan of the profile is compared with
the rate in the drill's plan.

The bounds are this project's own choice. Without footing the verdict is unknown: what was measured
may be the generator's weakness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from statedrill.check.context import CheckContext
from statedrill.check.metrics.planned_load import PlannedLoad, load_end_ns
from statedrill.check.metrics.record import Footing
from statedrill.check.metrics.traffic import Traffic
from statedrill.history.load_line import LoadLine
from statedrill.history.store import History
from statedrill.plan.record import LoadRecord, PlanRecord
from statedrill.vocabulary import HELD, UNKNOWN, Outcome, Phase

RATE_SHARE = 0.95
SUCCESS_SHARE = 0.99
LAG_MS_P99 = 100.0
LAG_MS_P99_OF_MAXIMA = 250.0
CPU_PCT = 90.0
WAITED_SHARE = 0.01


def footing(
    history: History,
    plan: PlanRecord,
    traffic: Traffic,
    context: CheckContext,
    planned: PlannedLoad | None,
) -> Footing:
    """The key "footing" of the verdict; "why" has one sentence per reason that it does not hold."""
    windows = [each for each in history.windows() if each[0] is Phase.BASELINE]
    if not windows:
        return {
            "outcome": UNKNOWN,
            "planned_rate": None,
            "achieved_rate": None,
            "schedule_lag_ms_p99": None,
            "why": ["there was no baseline phase to compare with"],
        }
    begin, end = windows[0][1], windows[-1][2]
    baseline = context.whole_bins(begin, end)
    during = [line for line in history.load if begin <= line["t"] <= end]
    load = plan["load"]
    operations = None
    if planned is not None and baseline.stop > baseline.start:
        called, pace_s = traffic.ok + traffic.failed, load["pace_s"]
        operations = planned.operations_course(called, pace_s)
    if operations is None:
        planned_rate = least_rate = _planned_rate(load, during)
        if planned is not None and planned_rate is not None:
            # An operation counts as planned when its session sets its time: up to a pace before.
            pace_ns = round(load["pace_s"] * 1e9)
            earlier = [x for x in history.load if begin - pace_ns <= x["t"] <= end - pace_ns]
            least_rate = min(planned_rate, _planned_rate(load, earlier) or planned_rate)
    else:
        planned_rate = round(float(operations.planned[baseline].mean()), 3)
        least_rate = operations.least(baseline)
    lag_ms, bound_ms = _lag(traffic, during)
    cpu = [line["cpu_pct"] for line in during if line.get("cpu_pct") is not None]
    count = int(traffic.outcomes[Phase.BASELINE].sum())
    success = _success(traffic)
    figures: Footing = {
        "outcome": HELD,
        "planned_rate": planned_rate,
        "achieved_rate": round(count / ((end - begin) / 1e9), 3) if end > begin else None,
        "schedule_lag_ms_p99": lag_ms,
        "success_ratio": None if success is None else round(success, 6),
        "schedule_lag_bound_ms": bound_ms,
        "cpu_pct": round(float(np.mean(cpu)), 1) if cpu else None,
        "dropped": sum(line.get("dropped") or 0 for line in history.load),
        "why": [],
    }
    if pool := _pool(history.load, during):
        figures["waited_share"], figures["pool_users"], figures["pool_users_lacking"] = pool
    if dead := _dead_addresses(history.load):
        figures["dead_addresses"], figures["dead_addresses_s"] = dead
    why = [*_rate_reasons(figures, least_rate), *_generator_reasons(figures)]
    if planned is not None:
        loaded = context.whole_bins(begin, load_end_ns(history, context, planned))
        followed = (planned.level.departure(loaded), operations and operations.departure(baseline))
        why += [each for each in followed if each]
        why += _peak_reasons(planned, history.load, context, (baseline, loaded))
    why += _pool_reasons(figures)
    figures["outcome"], figures["why"] = UNKNOWN if why else HELD, why
    return figures


def _dead_addresses(lines: Sequence[LoadLine]) -> tuple[int, float] | None:
    """(attempts to connect that found nobody, the seconds they took); None when there were none."""
    last = {line.get("worker", 0): line for line in lines}
    attempts = sum(line.get("dead_addresses") or 0 for line in last.values())
    took_s = sum(line.get("dead_addresses_s") or 0.0 for line in last.values())
    return (attempts, round(took_s, 3)) if attempts else None


def _success(traffic: Traffic) -> float | None:
    """The share of the baseline's operations that succeeded, without those the fault struck."""
    counts = traffic.outcomes[Phase.BASELINE]
    total = int(counts.sum()) - traffic.struck
    return int(counts[Outcome.OK] + counts[Outcome.ACCEPTED]) / total if total else None


def _planned_rate(load: LoadRecord, during: Sequence[LoadLine]) -> float | None:
    """The planned operations per second in the baseline, where no profile is on record."""
    if load["planned_rate"]:
        return load["planned_rate"]
    workers: dict[int, list[float]] = {}
    for line in during:
        if line.get("planned_rate"):
            workers.setdefault(line.get("worker", 0), []).append(line["planned_rate"] or 0.0)
    if not workers:
        return None
    return round(sum(float(np.mean(rates)) for rates in workers.values()), 3)


def _lag(traffic: Traffic, during: Sequence[LoadLine]) -> tuple[float | None, float]:
    """(p99 of the schedule lag in ms, its bound)."""
    if traffic.lag.n:
        return round(traffic.lag.quantile_ms(0.99) or 0.0, 3), LAG_MS_P99
    lags = [line["lag_ms_max"] for line in during if line.get("lag_ms_max") is not None]
    if not lags:
        return None, LAG_MS_P99_OF_MAXIMA
    return round(float(np.quantile(lags, 0.99)), 3), LAG_MS_P99_OF_MAXIMA


def _pool(lines: Sequence[LoadLine], during: Sequence[LoadLine]) -> tuple[float, int, int] | None:
    """When sessions arrive at a rate: (share of the baseline's sessions that found no free user,
    users of the pool, how many more it needs); None in the closed model.

    Every load process has its own share of arrivals and users, and cannot help out another. How
    many users it needs at once is its greatest rate times the length of a session as it was meant.
    """
    arrived = sum(line.get("arrived") or 0 for line in during)
    if not arrived:
        return None
    waited = sum(line.get("waited") or 0 for line in during)
    users = lacking = 0
    for worker in {line.get("worker") for line in lines}:
        own = [line for line in lines if line.get("worker") == worker and "arrived" in line]
        here = max((line["users"] for line in own), default=0)
        ended = sum(line["ended"] for line in own)
        total_s = sum((line["session_s"] or 0.0) * line["ended"] for line in own)
        rate = max((line["planned_arrivals"] for line in own), default=0.0)
        users += here
        lacking += max(math.ceil(rate * total_s / ended) - here, 0) if ended else 0
    return round(waited / arrived, 6), users, lacking


def _rate_reasons(figures: Footing, least_rate: float | None) -> list[str]:
    achieved, success = figures["achieved_rate"], figures["success_ratio"]
    reasons = []
    if least_rate is None or not achieved:
        reasons.append("the planned rate or the baseline's operations are not on record")
    elif achieved < RATE_SHARE * least_rate:
        reasons.append(
            f"the baseline reached {achieved:,.1f} of {least_rate:,.1f} planned operations per "
            "second"
        )
    if success is not None and success < SUCCESS_SHARE:
        reasons.append(f"only {success:.2%} of the baseline's operations succeeded")
    return reasons


def _generator_reasons(figures: Footing) -> list[str]:
    lag_ms, bound_ms = figures["schedule_lag_ms_p99"], figures["schedule_lag_bound_ms"]
    cpu = figures["cpu_pct"]
    reasons = []
    if lag_ms is not None and lag_ms > bound_ms:
        reasons.append(
            f"the generator was {lag_ms:,.0f} ms behind its schedule (p99; bound {bound_ms:,.0f} "
            "ms)"
        )
    if cpu is not None and cpu >= CPU_PCT:
        reasons.append(f"the generator kept its processor {cpu:.0f} % busy (bound {CPU_PCT:.0f} %)")
    if figures["dropped"]:
        reasons.append(f"the generator dropped {figures['dropped']:,} arrivals: nobody played them")
    return reasons


def _peak_reasons(
    planned: PlannedLoad,
    lines: Sequence[LoadLine],
    context: CheckContext,
    spans: tuple[slice, slice],
) -> list[str]:
    """What kept the generator from carrying a peak of the profile above the baseline."""
    baseline, loaded = spans
    peak = np.zeros(context.bins, dtype=bool)
    peak[loaded] = planned.is_peak(baseline)[loaded]
    at_peak = [line for line in lines if peak[context.bin_of(line["t"])]]
    cpu = [line["cpu_pct"] for line in at_peak if line.get("cpu_pct") is not None]
    lags = [line["lag_ms_max"] for line in at_peak if line.get("lag_ms_max") is not None]
    reasons = []
    if cpu and (mean := float(np.mean(cpu))) >= CPU_PCT:
        reasons.append(
            f"at the peak of the profile the generator kept its processor {mean:.0f} % busy (bound "
            f"{CPU_PCT:.0f} %)"
        )
    if lags and (mean := float(np.mean(lags))) > LAG_MS_P99_OF_MAXIMA:
        reasons.append(
            f"at the peak of the profile the generator was up to {mean:,.0f} ms behind its "
            f"schedule (mean over its seconds; bound {LAG_MS_P99_OF_MAXIMA:,.0f} ms)"
        )
    return reasons


def _pool_reasons(figures: Footing) -> list[str]:
    if lacking := figures.get("pool_users_lacking"):
        return [
            f"the pool of {figures['pool_users']:,} users lacks about {lacking:,} for these "
            "arrivals, which then wait for the generator: give it more with -u"
        ]
    if (share := figures.get("waited_share", 0.0)) > WAITED_SHARE:
        return [
            f"{share:.1%} of the baseline's arrivals found no free user: give the pool more with -u"
        ]
    return []
