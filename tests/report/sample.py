"""Realistic plans, verdicts and run folders, made by functions with a seed: no clock, no chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

PHASES = (("warmup", 0.0, 4.0), ("baseline", 4.0, 16.0), ("fault", 16.0, 34.0),
          ("recovery", 34.0, 44.0), ("settle", 44.0, 46.0), ("audit", 46.0, 49.0))  # fmt: skip
FAULTS = {
    "none": (),
    "instance-kill": (("terminate_instances", 20.0, 25.4, ["i-5d0c12aa"],
                       "pid 4121 of i-5d0c12aa is gone and 127.44.1.10:8080 refuses"),),
    "cache-flush": (("flush_cache", 20.0, 20.0, ["cache"],
                     "the cache had 1,204 keys before and has 0 after"),),
    "zone-outage": (("stop_zone", 20.0, 30.0, ["i-5d0c12aa", "database-a", "cache-a"],
                     "7 processes of zone a are gone and their addresses refuse"),),
}  # fmt: skip
DOMAINS = {"none": None, "instance-kill": "instance", "cache-flush": "cache",
           "zone-outage": "zone"}  # fmt: skip
SURVIVES = {"sticky": ["cache", "queue"], "distributed": ["instance", "zone", "database", "queue"],
            "decoupled": ["instance", "zone", "cache", "database"]}  # fmt: skip
GUARANTEES = ("read_your_writes", "monotonic_reads", "monotonic_writes", "writes_follow_reads")


def lost_share(pattern: str, experiment: str) -> float:
    """The share of sessions that this pattern loses under this experiment."""
    losses = {("sticky", "instance-kill"): 81 / 240, ("sticky", "zone-outage"): 84 / 240,
              ("distributed", "cache-flush"): 1.0}  # fmt: skip
    return losses.get((pattern, experiment), 0.0)


def sample_verdict(
    pattern: str = "sticky", experiment: str = "instance-kill", seed: int = 7
) -> dict[str, Any]:
    """A verdict with every key of the schema."""
    share = lost_share(pattern, experiment)
    lost_sessions, lost_writes = round(240 * share), round(5310 * share * 0.35)
    stale = 418 if pattern == "decoupled" else 0
    domain = DOMAINS[experiment]
    promised = domain is None or domain in SURVIVES[pattern]
    outcome = "broken" if promised and (lost_sessions or lost_writes) else "held"
    lost = f"lost {lost_sessions} of 240 sessions and {lost_writes:,} of 5,310 acknowledged writes"
    kept = "lost no session (0 of 240) and no acknowledged write (0 of 5,310)"
    what = {"none": "without a failure", "instance-kill": "when one instance was killed",
            "cache-flush": "when the cache was emptied",
            "zone-outage": "when a zone went down"}[experiment]  # fmt: skip
    return {
        "schema": 1, "outcome": outcome, "pattern": pattern, "experiment": experiment,
        "scenario": "shopper,reader", "profile": "steady", "seed": seed,
        "summary": f"{pattern} {lost if lost_sessions else kept} {what}"
                   + ("." if promised else "; its promise does not cover this."),
        "why": [f"{pattern} {lost if lost_sessions else kept}."],
        "sessions": {"total": 240, "lost": lost_sessions, "outage": 4 if domain else 0},
        "writes": {"acknowledged": 5310, "lost": lost_writes, "unknown": 12 if domain else 0,
                   "duplicated": 0, "unaudited": 3},
        "reads": {"total": 7421, "stale": stale, "stale_accepted": stale, "leaked": 0,
                  "after_loss": lost_writes // 3,
                  "staleness_s": {"p50": 0.031, "p99": 0.412, "max": 1.27} if stale
                  else {"p50": None, "p99": None, "max": None}},
        "guarantees": {name: {"opportunities": 6120 - 700 * number, "violations": 0}
                       for number, name in enumerate(GUARANTEES)}
        | {"writes_follow_reads": {"opportunities": 0, "violations": 0}},
        "availability": {"ratio": 0.9981 if domain else 1.0, "outage_s": 2.1 if domain else 0.0},
        "recovery": {"rto_availability_s": 2.1 if domain else None, "rto_state_s": None,
                     "rpo_s": 15.2 if lost_writes else 0.0, "rpo_writes": lost_writes,
                     "lost_after_fault": 0},
        "latency_ms": sample_latency(1.0, pattern, domain),
        "service_ms": sample_latency(0.9, pattern, domain),
        "faults": [{"name": name, "domain": domain, "targets": targets, "begin_s": begin,
                    "end_s": end, "proved": True, "proof": proof}
                   for name, begin, end, targets, proof in FAULTS[experiment]],
        "promise": sample_promise(pattern, domain, promised, lost_sessions, lost_writes),
        "thresholds": [{"threshold": "p(99){phase:recovery}<500", "outcome": "held",
                        "value": 31.04}],
        "footing": {"outcome": "held", "planned_rate": 240.0, "achieved_rate": 239.4,
                    "schedule_lag_ms_p99": 1.2, "success_ratio": 1.0, "cpu_pct": 31.5},
        "findings": sample_findings(lost_sessions, lost_writes, stale),
        "operations": {name: {"n": 2000 - 170 * number, "errors": number, "unknown": number % 2,
                              "p50": 2.9 + number, "p99": 11.4 + 3 * number}
                       for number, name in enumerate(
                           ["sign-in", "put preferences", "add to cart", "read cart", "order"])},
        "phases": [{"phase": name, "begin_s": begin, "end_s": end} for name, begin, end in PHASES],
        "series": sample_series(experiment, seed, lost_sessions, lost_writes, stale),
    }  # fmt: skip


def sample_latency(scale: float, pattern: str, domain: str | None) -> dict[str, Any]:
    """Percentiles by phase."""
    base = {"sticky": 2.9, "distributed": 3.9, "decoupled": 4.8}[pattern] * scale
    slow = {"warmup": 1.4, "baseline": 1.0, "fault": 3.0 if domain else 1.0, "recovery": 1.1}
    return {phase: {"n": 4000, "p50": base, "p95": base * 2 * factor, "p99": base * 3.1 * factor,
                    "p999": base * 7 * factor, "max": base * 12.5 * factor**3}
            for phase, factor in slow.items()}  # fmt: skip


def sample_promise(
    pattern: str, domain: str | None, promised: bool, sessions: int, writes: int
) -> list[dict[str, Any]]:
    """Clauses with outcomes that follow from the losses."""
    clause = f"survives {domain}" if domain else "loses nothing without a failure"
    broken = "broken" if sessions or writes else "held"
    rows = [{"clause": clause, "promised": promised, "outcome": broken,
             "evidence": f"{sessions} of 240 sessions and {writes:,} of 5,310 writes lost"},
            {"clause": "no session sees another's state", "promised": True, "outcome": "held",
             "evidence": "0 of 7,421 reads leaked"}]  # fmt: skip
    for name in GUARANTEES:
        tested = name != "writes_follow_reads"
        rows.append({"clause": name.replace("_", " "), "outcome": "held" if tested else "unknown",
                     "promised": tested and pattern != "decoupled",
                     "evidence": "0 violations in 6,120" if tested else "not tested"})  # fmt: skip
    return rows


def sample_findings(sessions: int, writes: int, stale: int) -> list[dict[str, Any]]:
    """One row per check; broken ones with a witness."""
    write = {"what": "PUT preferences", "who": "session 17", "call_s": 12.41, "ret_s": 12.4139,
             "object": "preferences", "wid": "r7f3a.17.5", "ver": 3, "instance": "i-5d0c12aa",
             "status": 200}  # fmt: skip
    read = {"what": "GET preferences", "who": "session 17", "call_s": 47.2, "ret_s": 47.2041,
            "object": "preferences", "wid": None, "ver": 0, "instance": "i-0f12bb01",
            "status": 200}  # fmt: skip
    soon = {**read, "call_s": 12.4201, "ret_s": 12.4232, "ver": 2, "wid": "r7f3a.17.4"}

    def row(check: str, chances: int, seen: int, **more: Any) -> dict[str, Any]:
        found = "unknown" if not chances else "broken" if seen else "held"
        return {"check": check, "class": check, "outcome": found, "opportunities": chances,
                "violations": seen, "strict": seen, "bounded": seen, "interval": None,
                "witness": None, "operations": []} | (more if seen else {})  # fmt: skip

    return [
        row("lost-writes", 5310, writes, interval=[0.09, 0.142], operations=[write, read],
            witness="session 17 was told at 12.41 s that preferences r7f3a.17.5 is stored (ver 3); "
                    "the audit at 47.20 s found the initial state."),
        row("session-lost", 240, sessions, interval=[0.28, 0.396],
            operations=[{**write, "what": "POST sign-in", "object": "session"},
                        {**read, "what": "GET session", "object": "session", "status": 401}],
            witness="session 17 was signed in on i-5d0c12aa and was signed out at 20.31 s."),
        row("stale", 7421, stale, interval=[0.048, 0.064],
            operations=[{**write, "status": 202, "ver": None}, soon],
            witness="session 17 read version 2 of preferences 6 ms after its own write of a newer "
                    "one had been accepted."),
        row("leak", 7421, 0), row("duplicate", 5310, 0), row("writes-follow-reads", 0, 0),
    ]  # fmt: skip


def sample_series(
    experiment: str, seed: int, sessions: int, writes: int, stale: int
) -> dict[str, Any]:
    """Bins of half a second over the phases; sums of the losses match the counts."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(0, 49, 0.5)
    level = np.interp(t_s, [0, 4, 44, 45, 46, 49], [20, 120, 120, 5, 160, 150])
    failing = (t_s >= 20) & (t_s < 22) & (experiment != "none")
    failed = np.where(failing, rng.integers(10, 45, len(t_s)), 0)
    ok = np.maximum(0, rng.normal(level, 5).astype(int) - failed)
    p50 = rng.normal(3.4, 0.15, len(t_s))
    p99 = p50 * rng.uniform(2.6, 4.1, len(t_s)) * np.where(failing, 14, 1)
    before = (t_s >= 5) & (t_s < 20)
    after = (t_s >= 20) & (t_s < 24)
    running = (t_s >= 4) & (t_s < 44)

    def spread(total: int, where: Any) -> list[int]:
        share = np.where(where, rng.uniform(0.5, 1.5, len(t_s)), 0)
        found = np.floor(share / share.sum() * total).astype(int)
        found[np.argmax(where)] += total - found.sum()
        return [int(each) for each in found]

    return {
        "bin_s": 0.5, "t_s": t_s.tolist(), "ok": ok.tolist(), "failed": failed.tolist(),
        "p50_ms": [round(float(each), 3) for each in p50],
        "p99_ms": [None if number == 89 else round(float(each), 3)
                   for number, each in enumerate(p99)],
        "lost_writes": spread(writes, before), "lost_sessions": spread(sessions, after),
        "stale": spread(stale, running),
    }  # fmt: skip


def sample_plan(
    pattern: str = "sticky", experiment: str = "instance-kill", seed: int = 7
) -> dict[str, Any]:
    """A plan with every key of plan.json."""
    return {
        "schema": 1, "run": "r7f3a", "created": "2026-01-05T10:00:00+00:00", "statedrill": "0.1.0",
        "pattern": {"name": pattern, "family": pattern, "description": f"the {pattern} pattern",
                    "path": f"reference_app/patterns/{pattern}.yaml",
                    "application": {"command": ["python", "-m", "reference_app.web"],
                                    "instances": 3, "health": "/health",
                                    "env": {"SESSION_STORE": "memory"}},
                    "workers": None, "load_balancer": {"stickiness": pattern == "sticky"},
                    "services": {"database": True, "cache": True, "queue": False, "storage": True},
                    "promise": {"survives": SURVIVES[pattern], "guarantees": list(GUARANTEES),
                                "idempotent": ["orders"]}},
        "experiment": {"name": experiment, "title": "One instance is killed without warning",
                       "description": "SIGKILL", "path": f"experiments/{experiment}.yaml",
                       "domain": DOMAINS[experiment], "actions": ["terminate_instances"]},
        "scenario": {"name": "shopper,reader", "paths": ["scenarios/shopper.py"]},
        "profile": {"name": "steady", "path": "scenarios/profiles/steady.py"},
        "load": {"users": 240, "spawn_rate": 60, "processes": 1, "pace_s": 1.0,
                 "arrival_rate": None, "planned_rate": 240.0},
        "phases": {"warmup_s": 4, "baseline_s": 12, "recovery_s": 10, "run_time_s": 44},
        "timings": {"column": "fast", "health_check_interval_s": 1.0, "instance_boot_s": 3.0},
        "seed": seed, "thresholds": ["p(99){phase:recovery}<500"],
        "versions": {"python": "3.11.7", "locust": "2.47.0", "postgresql": "18.0"},
        "host": {"cpus": 2, "memory_gib": 8.0, "system": "Linux 6.1"},
    }  # fmt: skip


def sample_events(experiment: str = "instance-kill") -> list[dict[str, Any]]:
    """events.jsonl of a drill, from a monotonic clock that began some time ago."""
    zero = 5_000_000_000_000
    rows: list[tuple[float, dict[str, Any]]] = [
        (begin, {"event": "phase", "phase": name}) for name, begin, _ in PHASES
    ]
    rows.append((PHASES[-1][2], {"event": "phase", "phase": "end"}))
    for number, (name, begin, end, targets, proof) in enumerate(FAULTS[experiment], start=1):
        fault = f"f{number}"
        rows += [
            (begin, {"event": "fault-begin", "fault": fault, "name": name,
                     "domain": DOMAINS[experiment], "targets": targets}),
            (begin + 0.1, {"event": "process", "name": targets[0], "role": "web", "zone": "a",
                           "state": "dead", "pid": 4121, "why": "signal 9"}),
            (begin + 0.2, {"event": "fault-proof", "fault": fault, "proved": True,
                           "proof": proof}),
            (end, {"event": "fault-end", "fault": fault, "how": "by itself"}),
        ]  # fmt: skip
    return [
        {"t": zero + int(at * 1e9), "wall": 1.77e9 + at, **event}
        for at, event in sorted(rows, key=lambda pair: pair[0])
    ]


def write_run(
    folder: Path,
    pattern: str = "sticky",
    experiment: str = "instance-kill",
    seed: int = 7,
    **changes: Any,
) -> Path:
    """A run's folder; `changes` replace keys of the verdict."""  # fmt: skip
    (folder / "history").mkdir(parents=True)
    verdict = sample_verdict(pattern, experiment, seed) | changes
    (folder / "plan.json").write_text(json.dumps(sample_plan(pattern, experiment, seed)))
    (folder / "verdict.json").write_text(json.dumps(verdict))
    lines = "".join(json.dumps(each) + "\n" for each in sample_events(experiment))
    (folder / "history" / "events.jsonl").write_text(lines)
    return folder


def write_plain_run(folder: Path, **changes: Any) -> Path:
    """A run's folder with nothing to draw in it: quick to report."""
    return write_run(folder, series=None, findings=[], latency_ms={}, **changes)
