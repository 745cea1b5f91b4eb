"""What a load process reports to its master, and the reports of several of them added up.

Knows figures; knows no Locust.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from statedrill.history.load_line import LoadLine
from statedrill.load.recording.counters import Counters
from statedrill.load.recording.latency_histogram import Encoded, LatencyHistogram


class WorkerReport(TypedDict):
    """A load process's last line, and its latencies since the start."""

    line: LoadLine
    latency: Encoded
    service: Encoded


def worker_report(line: LoadLine, counters: Counters) -> WorkerReport:
    """The report of a load process."""
    return {
        "line": line,
        "latency": counters.latency.encode(),
        "service": counters.service.encode(),
    }


def second_of_all(lines: Sequence[LoadLine]) -> LoadLine:
    """The last second of all load processes: counts added up, and the worst p99.

    The sum of the lines' numbers is one more with every new line.
    """
    return {
        "line": sum(each["line"] for each in lines),
        "requests": sum(each["requests"] for each in lines),
        "errors": sum(each["errors"] for each in lines),
        "queued": sum(each["queued"] for each in lines),
        "dropped": sum(each["dropped"] for each in lines),
        "p99_ms": max(each["p99_ms"] or 0.0 for each in lines),
    }


def latencies_of_all(
    own: Counters | None, reports: Iterable[WorkerReport]
) -> tuple[LatencyHistogram, LatencyHistogram]:
    """(latencies from the intended start, service times) of this process and of all others."""
    latency, service = LatencyHistogram(), LatencyHistogram()
    if own is not None:
        latency.merge(own.latency)
        service.merge(own.service)
    for report in reports:
        latency.merge(LatencyHistogram.decode(report["latency"]))
        service.merge(LatencyHistogram.decode(report["service"]))
    return latency, service
