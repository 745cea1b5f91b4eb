"""Looks at every service and at the application's processes once a second, and records it.

What it sees are events of the kind `sample`. It only asks what its services count anyway, waits for
nobody, and says in each sample what looking cost. Knows the topology; knows no figure that follows
from two samples.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from statedrill.cluster.topology import Topology
from statedrill.history.events import Emit
from statedrill.history.sample import ProcessSample
from statedrill.processes.usage import usage

PERIOD_S = 1.0
_MIB = 1 << 20
_APPLICATION = ("instance", "worker")


class Sampler:
    """Emits what `look` sees, every second from `start` to `stop`."""

    def __init__(self, look: Callable[[], Mapping[str, Any]], emit: Emit) -> None:
        self._look, self._emit = look, emit
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; the first sample is taken at once."""
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no further sample; waits a moment for one that is being taken. Idempotent."""
        self._stopping.set()
        if self._thread:
            self._thread.join(PERIOD_S)

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._stopping.wait(max(0.0, due_s - time.monotonic())):
            begun_s = time.thread_time()
            seen = self._look()
            cpu_ms = round((time.thread_time() - begun_s) * 1000, 3)
            self._emit("sample", cpu_ms=cpu_ms, **seen)
            # After a look that took longer than a second, samples are missing, not late.
            due_s = max(due_s + PERIOD_S, time.monotonic())


def look(topology: Topology) -> dict[str, Any]:
    """What there is to be seen now; a service that does not answer is left out."""
    services = {}
    for service in topology.services:
        with contextlib.suppress(Exception):  # whatever is wrong with it: it did not answer
            if seen := service.sample():
                services[service.key] = dict(seen)
    return {"services": services, "processes": _processes(topology)}


def _processes(topology: Topology) -> dict[str, ProcessSample]:
    found: dict[str, ProcessSample] = {}
    for process in topology.context.registry.alive():
        if process.role in _APPLICATION and (used := usage(process.pid)):
            memory_mib = round(used.memory_bytes / _MIB, 1)
            found[process.name] = {
                "pid": process.pid,
                "cpu_s": round(used.cpu_s, 2),
                "memory_mib": memory_mib,
            }
    return found
