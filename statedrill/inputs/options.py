"""The options of a drill, as on the command line, with defaults that fit two cores.

Words and numbers only: nothing is looked up and nothing is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """One field per flag of `run`; `plan.make_plan` makes a drill of them."""

    pattern: str = "sticky"
    experiment: str = "instance-kill"
    scenario: str = "shopper,reader"
    profile: str = "steady"
    users: int = 240
    pace_s: float = 1.0
    arrival_rate: str | None = None
    processes: int = 1
    expect_workers: int = 0
    expect_workers_max_wait_s: float = 300.0
    master_bind_host: str = ""
    master_bind_port: int = 5557
    run_time_s: float = 22.0
    warmup_s: float = 3.0
    baseline_s: float = 6.0
    recovery_s: float = 5.0
    seed: int = 7
    timings: str = "fast"
    thresholds: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
