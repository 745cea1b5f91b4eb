"""How long a pattern takes from nothing to ready, and back to nothing."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from statedrill.cluster.cluster import Cluster
from statedrill.history.event_log import EventLog
from statedrill.inputs import discovery
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.timings import Timings

ROUNDS = 3


def bench() -> dict[str, float]:
    """Median seconds over a few rounds, for each pattern."""
    figures: dict[str, float] = {}
    for name in (each.name for each in discovery.entries("pattern")):
        took = [_up_and_down(name) for _ in range(ROUNDS)]
        figures[f"cluster_ready_{name}_s"] = statistics.median(up for up, _ in took)
        figures[f"cluster_lowered_{name}_s"] = statistics.median(down for _, down in took)
    return figures


def _up_and_down(name: str) -> tuple[float, float]:
    pattern = Pattern.read(discovery.find("pattern", name))
    with tempfile.TemporaryDirectory() as folder:
        events = EventLog(Path(folder) / "events.jsonl")
        cluster = Cluster(pattern, Timings.named("fast"), Path(folder), events.emit, "rbench", 7)
        begin = time.monotonic()
        try:
            cluster.start()
            ready = time.monotonic()
        finally:
            cluster.stop()
            events.close()
        return ready - begin, time.monotonic() - ready
