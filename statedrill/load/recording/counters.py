"""The load process's own figures while it runs: what was done, how late, and at which cost.

Knows counts and times; knows no HTTP and no Locust.
"""

from __future__ import annotations

import time

from statedrill.history.load_line import LoadLine
from statedrill.load.recording.latency_histogram import LatencyHistogram
from statedrill.quantile import quantile


class Counters:
    """Counts since the last line, and totals since the start, of one load process.

    Sessions append to `latencies_ns` the time of every operation from its intended start (from its
    call where it has none), and to `services_ns` the time from its call; `line` moves them into
    `latency` and `service`, the distributions of the whole run. `planned` counts the operations
    that were to start.
    """

    def __init__(self) -> None:
        self.latencies_ns: list[int] = []
        self.services_ns: list[int] = []
        self.latency = LatencyHistogram()
        self.service = LatencyHistogram()
        self.planned = 0
        self.errors = 0
        self.sessions = 0
        self.lag_ns_max = 0
        self._lost_sessions: set[int] = set()
        self._cpu_s = time.process_time()
        self._since_s = time.monotonic()

    def add_lag(self, late_ns: int) -> None:
        """Something was to start `late_ns` ago and could not, because this process was busy."""
        self.lag_ns_max = max(self.lag_ns_max, late_ns)

    def add_lost_session(self, session: int) -> None:
        """This session is no longer the one that was signed in; it counts once."""
        self._lost_sessions.add(session)

    def line(self) -> LoadLine:
        """The figures since the last line; starts the next one."""
        latencies_ns, self.latencies_ns = self.latencies_ns, []
        services_ns, self.services_ns = self.services_ns, []
        self.latency.add(latencies_ns)
        self.service.add(services_ns)
        latencies_ns.sort()
        now_s, cpu_s = time.monotonic(), time.process_time()
        passed_s = max(now_s - self._since_s, 1e-9)
        figures: LoadLine = {
            "planned_rate": round(self.planned / passed_s, 3),
            "requests": len(latencies_ns),
            "errors": self.errors,
            "p50_ms": _milliseconds(quantile(latencies_ns, 0.50)),
            "p99_ms": _milliseconds(quantile(latencies_ns, 0.99)),
            "sessions": self.sessions,
            "sessions_lost": len(self._lost_sessions),
            "lag_ms_max": round(self.lag_ns_max / 1e6, 3),
            "cpu_pct": round(100 * (cpu_s - self._cpu_s) / passed_s, 1),
        }
        self.errors = self.planned = self.lag_ns_max = 0
        self._cpu_s, self._since_s = cpu_s, now_s
        return figures


def _milliseconds(duration_ns: float | None) -> float | None:
    return None if duration_ns is None else round(duration_ns / 1e6, 3)
