"""What the tests of the cluster share: a registry, a record of events, and an own application."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from statedrill.cluster.cluster import Cluster
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.timings import Timings
from statedrill.vocabulary import Equipment
from tests.support.events import Events

# The same system as `fast`, at a pace for tests.
QUICK = replace(
    Timings.named("fast"),
    health_check_interval_s=0.2,
    health_check_timeout_s=0.5,
    deregistration_delay_s=0.5,
    instance_detection_s=1.0,  # longer than a busy machine keeps a health check waiting
    instance_boot_s=0.4,
    rebalance_delay_s=0.3,
    load_balancer_withdrawal_s=0.3,
    scaling_period_s=0.2,
    scaling_warmup_s=0.5,
)

TINY = Pattern.read(Path(__file__).parent / "tiny.yaml")


@pytest.fixture
def make_cluster(tmp_path: Path, events: Events) -> Iterator[Callable[..., Cluster]]:
    """Makes clusters that are not started yet, and stops them in the end."""
    made: list[Cluster] = []

    def make(pattern: Pattern = TINY, equipment: Collection[Equipment] = (), **env: str) -> Cluster:
        played = pattern.with_env(env)
        made.append(Cluster(played, QUICK, tmp_path, events, "rtest", 7, equipment))
        return made[-1]

    yield make
    for cluster in made:
        cluster.stop()
