"""Did the drill stand on firm ground: was the planned load really there before anything broke?

Footing holds when in the baseline at least 95 % of the planned rate was completed, at least 99 %
succeeded, and the generator was on its schedule: p99 of the lag of operations behind their
intended start at most 100 ms (a tenth of the default pace; 250 ms where only the greatest lag of
each second is known, which overstates the p99), its processors less than 90 % busy, and nothing
dropped at any time. When sessions arrive at a rate, the pool must have the users that they need at
once (Little's law: rate x length of a session). The bounds are this project's own choice. Without
footing the verdict is unknown: what was measured may be the generator's weakness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from statedrill.check.metrics.traffic import Traffic
from statedrill.history.store import History
from statedrill.vocabulary import HELD, UNKNOWN, Outcome, Phase

RATE_SHARE = 0.95
SUCCESS_SHARE = 0.99
LAG_MS_P99 = 100.0
LAG_MS_P99_OF_MAXIMA = 250.0
CPU_PCT = 90.0
WAITED_SHARE = 0.01


def footing(history: History, plan: Mapping[str, Any], traffic: Traffic) -> dict[str, Any]:
    """The key "footing" of the verdict; "why" has one sentence per reason that it does not hold."""
    windows = [each for each in history.windows() if each[0] is Phase.BASELINE]
    if not windows:
        return _verdict({}, ["there was no baseline phase to compare with"])
    begin, end = windows[0][1], windows[-1][2]
    during = [line for line in history.load if begin <= int(line["t"]) <= end]
    lag_ms, bound_ms = _lag(traffic, during)
    cpu = [float(line["cpu_pct"]) for line in during if line.get("cpu_pct") is not None]
    count = int(traffic.outcomes[Phase.BASELINE].sum())
    success = _success(traffic)
    figures = {
        "planned_rate": _planned(plan, during),
        "achieved_rate": round(count / ((end - begin) / 1e9), 3) if end > begin else None,
        "success_ratio": None if success is None else round(success, 6),
        "schedule_lag_ms_p99": lag_ms,
        "schedule_lag_bound_ms": bound_ms,
        "cpu_pct": round(float(np.mean(cpu)), 1) if cpu else None,
        "dropped": sum(int(line.get("dropped") or 0) for line in history.load),
        **_pool(history.load, during),
    }
    return _verdict(figures, _reasons(figures))


def _success(traffic: Traffic) -> float | None:
    """The share of the baseline's operations that succeeded, without those the fault struck."""
    counts = traffic.outcomes[Phase.BASELINE]
    total = int(counts.sum()) - traffic.struck
    return int(counts[Outcome.OK] + counts[Outcome.ACCEPTED]) / total if total else None


def _verdict(figures: Mapping[str, Any], why: Sequence[str]) -> dict[str, Any]:
    empty = dict.fromkeys(("planned_rate", "achieved_rate", "schedule_lag_ms_p99"))
    outcome = UNKNOWN if why else HELD
    return {"outcome": outcome, **empty, **figures, "why": list(why)}


def _reasons(figures: Mapping[str, Any]) -> list[str]:
    planned, achieved = figures["planned_rate"], figures["achieved_rate"]
    success, lag_ms, cpu = (
        figures[name] for name in ("success_ratio", "schedule_lag_ms_p99", "cpu_pct")
    )
    reasons = []
    if planned is None or not achieved:
        reasons.append("the planned rate or the baseline's operations are not on record")
    elif achieved < RATE_SHARE * planned:
        reasons.append(
            f"the baseline reached {achieved:,.1f} of {planned:,.1f} planned operations per second"
        )
    if success is not None and success < SUCCESS_SHARE:
        reasons.append(f"only {success:.2%} of the baseline's operations succeeded")
    if lag_ms is not None and lag_ms > figures["schedule_lag_bound_ms"]:
        reasons.append(
            f"the generator was {lag_ms:,.0f} ms behind its schedule (p99; bound "
            f"{figures['schedule_lag_bound_ms']:,.0f} ms)"
        )
    if cpu is not None and cpu >= CPU_PCT:
        reasons.append(f"the generator kept its processor {cpu:.0f} % busy (bound {CPU_PCT:.0f} %)")
    if figures["dropped"]:
        reasons.append(f"the generator dropped {figures['dropped']:,} arrivals: nobody played them")
    if figures.get("pool_users_lacking"):
        reasons.append(
            f"the pool of {figures['pool_users']:,} users lacks about "
            f"{figures['pool_users_lacking']:,} for these arrivals, which then wait for the "
            "generator: give it more with -u"
        )
    elif figures.get("waited_share", 0.0) > WAITED_SHARE:
        reasons.append(
            f"{figures['waited_share']:.1%} of the baseline's arrivals found no free user: give "
            "the pool more with -u"
        )
    return reasons


def _pool(
    lines: Sequence[Mapping[str, Any]], during: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """When sessions arrive at a rate: whether there was a free user for each of them.

    Every load process has its own share of arrivals and users, and cannot help out another. How
    many users it needs at once is its greatest rate times the length of a session as it was meant.
    """
    arrived = sum(int(line.get("arrived") or 0) for line in during)
    if not arrived:
        return {}
    waited = sum(int(line.get("waited") or 0) for line in during)
    users = lacking = 0
    for worker in {line.get("worker") for line in lines}:
        own = [line for line in lines if line.get("worker") == worker and "arrived" in line]
        here = max((int(line["users"]) for line in own), default=0)
        ended = sum(int(line["ended"]) for line in own)
        total_s = sum(
            float(line["session_s"]) * int(line["ended"]) for line in own if line["ended"]
        )
        rate = max((float(line["planned_arrivals"]) for line in own), default=0.0)
        users += here
        lacking += max(math.ceil(rate * total_s / ended) - here, 0) if ended else 0
    return {
        "waited_share": round(waited / arrived, 6),
        "pool_users": users,
        "pool_users_lacking": lacking,
    }


def _planned(plan: Mapping[str, Any], during: Sequence[Mapping[str, Any]]) -> float | None:
    planned = (plan.get("load") or {}).get("planned_rate")
    if planned:
        return float(planned)
    workers: dict[int, list[float]] = {}
    for line in during:
        if line.get("planned_rate"):
            workers.setdefault(int(line.get("worker", 0)), []).append(float(line["planned_rate"]))
    if not workers:
        return None
    return round(sum(float(np.mean(rates)) for rates in workers.values()), 3)


def _lag(traffic: Traffic, during: Sequence[Mapping[str, Any]]) -> tuple[float | None, float]:
    """(p99 of the schedule lag in ms, its bound)."""
    if traffic.lag.n:
        return round(traffic.lag.quantile_ms(0.99) or 0.0, 3), LAG_MS_P99
    lags = [float(line["lag_ms_max"]) for line in during if line.get("lag_ms_max") is not None]
    if not lags:
        return None, LAG_MS_P99_OF_MAXIMA
    return round(float(np.quantile(lags, 0.99)), 3), LAG_MS_P99_OF_MAXIMA
