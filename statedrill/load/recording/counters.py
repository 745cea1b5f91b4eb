"""The generator's own figures while it runs: what was done, how late, and at which cost.

Knows counts and times; knows no HTTP and no Locust.
"""

from __future__ import annotations

import time
from typing import Any

from statedrill.load.recording.latency_histogram import Latencies


class Tally:
    """Counts since the last line, and totals since the start, of one load process.

    `latencies` takes the nanoseconds of every operation, from the intended start where there is
    one, `services` the nanoseconds it took from its call; `line` moves them into `latency` and
    `service`, the distributions of the whole run. `planned` counts the operations that were to
    start.
    """

    def __init__(self) -> None:
        self.latencies: list[int] = []
        self.services: list[int] = []
        self.latency = Latencies()
        self.service = Latencies()
        self.planned = 0
        self.errors = 0
        self.sessions = 0
        self._lost: set[int] = set()
        self.lag_ns_max = 0
        self._cpu_s = time.process_time()
        self._since_s = time.monotonic()

    def lag(self, late_ns: int) -> None:
        """Something was to start `late_ns` ago and could not, because the generator was busy."""
        self.lag_ns_max = max(self.lag_ns_max, late_ns)

    def lost(self, session: int) -> None:
        """This session is no longer the one that was signed in; it counts once."""
        self._lost.add(session)

    def line(self) -> dict[str, Any]:
        """The figures since the last line; starts the next one."""
        latencies, self.latencies = self.latencies, []
        services, self.services = self.services, []
        self.latency.add(latencies)
        self.service.add(services)
        latencies.sort()
        now_s, cpu_s = time.monotonic(), time.process_time()
        passed_s = max(now_s - self._since_s, 1e-9)
        figures = {
            "planned_rate": round(self.planned / passed_s, 3),
            "requests": len(latencies),
            "errors": self.errors,
            "p50_ms": _percentile_ms(latencies, 0.50),
            "p99_ms": _percentile_ms(latencies, 0.99),
            "sessions": self.sessions,
            "sessions_lost": len(self._lost),
            "lag_ms_max": round(self.lag_ns_max / 1e6, 3),
            "cpu_pct": round(100 * (cpu_s - self._cpu_s) / passed_s, 1),
        }
        self.errors = self.planned = self.lag_ns_max = 0
        self._cpu_s, self._since_s = cpu_s, now_s
        return figures


def _percentile_ms(ordered_ns: list[int], share: float) -> float | None:
    """The smallest value that at least `share` of all do not exceed (nearest rank)."""
    if not ordered_ns:
        return None
    rank = -(-len(ordered_ns) * share // 1)
    return round(ordered_ns[max(int(rank) - 1, 0)] / 1e6, 3)
