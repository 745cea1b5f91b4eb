"""plan.json as types: what `Plan` writes and what check, report and compare read.

Keys that may be missing came later than the first plans of schema 1. Imports nothing of statedrill
and nothing heavy: every reader of a run folder may import it.
"""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class RestoresRecord(TypedDict):
    """What comes back after a mistake: `rpo_s` is a number of seconds, or the name of a delay."""

    rpo_s: float | str


class PromiseRecord(TypedDict):
    """Failure domains survived, session guarantees kept, kinds of object without duplicates, what
    is restored after a mistake, and for how long a session lives that nobody uses.
    """

    survives: list[str]
    guarantees: list[str]
    idempotent: list[str]
    restores: NotRequired[RestoresRecord | None]
    session_ttl_s: NotRequired[float | None]


class ScalingRecord(TypedDict):
    """What target tracking aims at: one of the two, for each instance."""

    most: int
    requests_per_s: float | None
    cpu_pct: float | None


class VolumeRecord(TypedDict):
    """The volume of each instance."""

    size_mb: int


class ApplicationRecord(TypedDict):
    """The program under test. `instances` is the least number where there is `scaling`."""

    command: list[str]
    instances: int
    scaling: NotRequired[ScalingRecord | None]
    volume: NotRequired[VolumeRecord | None]
    cached_s: NotRequired[float]
    health: str
    env: dict[str, str]


class WorkersRecord(TypedDict):
    """The processes that take work from the queue."""

    command: list[str]
    count: int
    env: dict[str, str]


class LoadBalancerRecord(TypedDict):
    """How requests find an instance."""

    stickiness: bool
    shards: NotRequired[bool]


class ZonesRecord(TypedDict):
    """What is between every zone and every service."""

    latency_ms: float


class PatternRecord(TypedDict):
    """The pattern, validated. A service is false when not used, else its options or true.

    `zones` is null where zones reach their services directly.
    """

    name: str
    family: str
    description: str
    path: str
    application: ApplicationRecord
    workers: WorkersRecord | None
    load_balancer: LoadBalancerRecord
    services: dict[str, bool | dict[str, object]]
    zones: NotRequired[ZonesRecord | None]
    promise: PromiseRecord


class ExperimentRecord(TypedDict):
    """What breaks. `domain` is null for a control run; `actions` are the functions it calls."""

    name: str
    title: str
    description: str
    path: str
    domain: str | None
    actions: list[str]


class FilesRecord(TypedDict):
    """One or more Locust files under the name they were chosen by."""

    name: str
    paths: list[str]


class LoadRecord(TypedDict):
    """Who comes, and how fast. Rates are per second; `planned_rate` null: not known before."""

    users: int
    spawn_rate: float
    processes: int
    pace_s: float
    arrival_rate: float | None
    arrivals: str
    planned_rate: float | None
    expect_workers: NotRequired[int]
    expect_workers_max_wait_s: NotRequired[float]
    master_bind_host: NotRequired[str]
    master_bind_port: NotRequired[int]


class PhasesRecord(TypedDict):
    """How long each part of the drill lasts, in seconds."""

    warmup_s: float
    baseline_s: float
    recovery_s: float
    run_time_s: float


class _Delays(TypedDict, total=False):
    health_check_interval_s: float
    health_check_timeout_s: float
    unhealthy_threshold: int
    healthy_threshold: int
    deregistration_delay_s: float
    instance_detection_s: float
    instance_boot_s: float
    volume_attach_s: float
    rebalance_delay_s: float
    scaling_period_s: float
    scaling_warmup_s: float
    database_detection_s: float
    database_failover_s: float
    database_standby_rebuild_s: float
    database_replica_rebuild_s: float
    database_log_backup_s: float
    database_restore_s: float
    cache_detection_s: float
    cache_failover_s: float
    cache_replica_rebuild_s: float
    cache_snapshot_interval_s: float
    cache_restore_s: float
    cache_node_replacement_s: float
    cache_discovery_s: float
    queue_visibility_s: float
    load_balancer_timeout_s: float
    load_balancer_withdrawal_s: float


class TimingsRecord(_Delays):
    """The delays of the cluster in seconds (see `inputs/timings.py`), and their column."""

    column: str


class HostRecord(TypedDict):
    """The machine that the drill ran on."""

    system: str
    machine: str
    cores: int | None
    memory_gib: float


class PlanRecord(TypedDict):
    """plan.json: every input of one drill. `created` is ISO 8601; `target` missing: "local"."""

    schema: int
    statedrill: str
    run: str
    created: str
    target: NotRequired[str]
    pattern: PatternRecord
    experiment: ExperimentRecord
    scenario: FilesRecord
    profile: FilesRecord
    load: LoadRecord
    phases: PhasesRecord
    timings: TimingsRecord
    seed: int
    thresholds: list[str]
    versions: dict[str, str]
    host: HostRecord
