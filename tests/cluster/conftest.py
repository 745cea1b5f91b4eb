"""What the tests of the cluster share: a roster, a record of events, and an own application."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from statedrill.cluster.cluster import Cluster
from statedrill.cluster.process import MARKER
from statedrill.cluster.roster import Roster
from statedrill.pattern import Pattern
from statedrill.timings import Timings


class Events:
    """An event sink that remembers."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def __call__(self, event: str, **fields: Any) -> None:
        with self._lock:
            self.seen.append({"event": event, "t": time.monotonic_ns(), **fields})

    def of(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        with self._lock:
            return [
                e
                for e in self.seen
                if e["event"] == event and all(e.get(k) == v for k, v in fields.items())
            ]


def eventually(condition: Callable[[], Any], timeout_s: float = 15.0) -> Any:
    """The first true value of `condition`, or a failure after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"still not true after {timeout_s:g} s")


def marked(cluster: str) -> list[int]:
    """Every process on this machine that carries the marker of a cluster."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARKER, "").startswith(cluster):
                found.append(process.pid)
    return found


# The same system as `fast`, at a pace for tests.
QUICK = replace(
    Timings.named("fast"),
    health_check_interval_s=0.2,
    health_check_timeout_s=0.5,
    deregistration_delay_s=0.5,
    instance_detection_s=0.3,
    instance_boot_s=0.4,
    rebalance_delay_s=0.3,
)

TINY = Pattern.read(Path(__file__).parent / "tiny.yaml")


@pytest.fixture
def make_cluster(tmp_path: Path, events: Events) -> Iterator[Callable[..., Cluster]]:
    """Makes clusters that are not started yet, and lowers them in the end."""
    made: list[Cluster] = []

    def make(pattern: Pattern = TINY, **env: str) -> Cluster:
        application = replace(pattern.application, env=env)
        told = replace(pattern, application=application)
        made.append(Cluster(told, QUICK, tmp_path, events, "rtest", 7))
        return made[-1]

    yield make
    for cluster in made:
        cluster.lower()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def roster(tmp_path: Path, events: Events) -> Iterator[Roster]:
    made = Roster(f"test-{tmp_path.name}", tmp_path / "data", tmp_path / "logs", events)
    yield made
    made.close(0.0)
