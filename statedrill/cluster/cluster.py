"""One pattern made of live processes, from the first process to the last: `with Cluster(...)`.

Tells the story of a cluster's life; what its parts are and how they break stands in `topology` and
`actions`. Prints nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from statedrill.cluster.actions import Actions
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import ZONES, Network
from statedrill.cluster.topology import Topology
from statedrill.control.server import ControlServer
from statedrill.errors import ClusterError
from statedrill.faults.record import FaultRecord
from statedrill.history.events import Emit
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.timings import Timings
from statedrill.plan.plan import Plan
from statedrill.processes.cluster_lock import ClusterLock
from statedrill.processes.leftovers import cleanup_leftovers
from statedrill.processes.registry import ProcessRegistry

_DRAINED_LOOKS = 3
_LOOK_S = 0.2
_EXTRA_NUMBER = 200  # no part of a cluster has this number in the regional network


class Cluster:
    """The processes of `pattern`; logs go to `folder/logs`, everything that happens to `emit`.

    `run` names the run in the control file, `seed` decides which instance a fault takes.

    Raises:
        ClusterError: from every method that starts or waits for something.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - six plain inputs, all of them the plan's
        self,
        pattern: Pattern,
        timings: Timings,
        folder: Path,
        emit: Emit,
        run: str,
        seed: int,
    ) -> None:
        self._pattern, self._run, self._emit = pattern, run, emit
        cleanup_leftovers()
        self._stopper: threading.Thread | None = None
        self._stopped = threading.Event()
        self._lock, self._once = threading.Lock(), threading.Lock()
        self._cluster_lock = ClusterLock()
        self._network = Network()
        registry = ProcessRegistry(
            self._cluster_lock.cluster,
            self._cluster_lock.folder,
            folder.resolve() / "logs",
            emit,
            on_spawn=self._cluster_lock.record_child,
        )
        self._faults = FaultRecord(emit)
        try:
            self._topology = Topology(
                pattern, ClusterContext(registry, self._network, timings), seed
            )
        except BaseException:
            self._network.release()
            self._cluster_lock.release()
            raise
        self._actions = Actions(self._topology, self._faults, pattern.name)
        self._control = ControlServer(
            {**self._actions.table(), "status": lambda _: self.status()},
        )

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def extra_address(self, port: int) -> tuple[str, int]:
        """Address and port in this cluster's network for a program that is no part of it."""
        return self._network.regional_address(_EXTRA_NUMBER), self._network.port(port)

    @property
    def url(self) -> str:
        """Where users find the application: the load balancer."""
        return self._topology.balancer.url

    @property
    def registry(self) -> ProcessRegistry:
        """Makes processes that no cluster leaves behind; for children that belong to a drill."""
        return self._topology.context.registry

    @property
    def control_file(self) -> Path:
        """The file with the control address and its token."""
        return self._cluster_lock.control_file

    def start(self) -> None:
        """Start every part and wait until all are ready; what was started is ended on a failure.

        Raises:
            ClusterError: a part did not start; says which, why, and shows its last log lines.
        """
        begin = time.monotonic()
        atexit.register(self.stop)
        try:
            self._topology.start()
            self._faults.start()
            self._control.start(
                self.control_file,
                {
                    "pid": self._cluster_lock.owner,
                    "started": time.time(),
                    "load_balancer": self.url,
                    "run": self._run,
                    "network": self._network.cidr,
                },
            )
        except BaseException:
            self.stop()
            raise
        self._emit("cluster-ready", took_s=round(time.monotonic() - begin, 3))

    def status(self) -> Mapping[str, Any]:
        """What is there and what is missing, as the control address answers it."""
        missing = self._topology.missing()
        return {
            "run": self._run,
            "pattern": self._pattern.name,
            "load_balancer": self.url,
            "network": self._network.cidr,
            "healthy": not missing,
            "missing": missing,
            "whole": not missing,  # names of an earlier version, to be dropped with the next one
            "lacking": missing,
            "zones": {z: "down" if z in self._topology.zones_down else "up" for z in ZONES},
            "instances": self._actions.describe_instances(),
            "nodes": self._topology.nodes(),
            "queue_depth": self._depth(),
            "open_faults": [fault.id for fault in self._faults.open()],
        }

    def environment(self) -> dict[str, str]:
        """What the application is told of its services, as environment variables."""
        return self._topology.environment(ZONES[0])

    def missing(self) -> list[str]:
        """What keeps the cluster from being healthy, in words; empty when it is healthy."""
        return self._topology.missing()

    def restore(self, timeout_s: float | None = None) -> list[str]:
        """Undo every open fault, wait until whole; names those faults. Idempotent.

        Raises:
            ClusterError: not whole within `timeout_s` (default: what the timings need, and more).
        """
        limit_s = timeout_s if timeout_s is not None else self._actions.restore_timeout_s()
        return self._actions.restore(time.monotonic() + limit_s)

    def wait_healthy(self, timeout_s: float) -> None:
        """Return when every instance, worker and node is there and healthy.

        Raises:
            ClusterError: something is missing after `timeout_s`; says what.
        """
        self._topology.wait_until_healthy(time.monotonic() + timeout_s)

    def settle(self, timeout_s: float) -> bool:
        """Wait until the queues were empty three times in a row; whether they were in time."""
        deadline = time.monotonic() + timeout_s
        empty, depth = 0, self._depth()
        while self._topology.defers_work and empty < _DRAINED_LOOKS and time.monotonic() < deadline:
            depth = self._depth()
            empty = empty + 1 if depth == 0 else 0
            time.sleep(_LOOK_S)
        drained = empty >= _DRAINED_LOOKS or not self._topology.defers_work
        self._emit("settled", drained=drained, queue_depth=depth)
        return drained

    def restart_instances(self, timeout_s: float, rolling: bool = False) -> None:
        """Restart the process of every instance (SIGTERM first), at once or one by one.

        Raises:
            ClusterError: an instance did not come back, or the cluster is not whole in time.
        """
        deadline = time.monotonic() + timeout_s
        self._topology.instances.restart(rolling)
        self._topology.wait_until_healthy(deadline)

    def stop(self) -> None:
        """End every process and remove all data but the logs; idempotent, safe at any time.

        An interrupt (Ctrl-C) while lowering is raised after everything is down.
        """
        interrupt: KeyboardInterrupt | None = None
        while not self._stopped.is_set():
            try:
                self._begin_stopping()
                # Not join(): an interrupted one takes the thread for ended (CPython up to 3.12).
                self._stopped.wait(_LOOK_S)
            except KeyboardInterrupt as pressed:
                interrupt = pressed
        atexit.unregister(self.stop)
        if interrupt:
            raise interrupt

    def _begin_stopping(self) -> None:
        with self._lock:
            # No id: an interrupt came in the way of its start.
            if self._stopper is None or self._stopper.ident is None:
                # In a thread: no signal can interrupt it, only the waiting for it.
                self._stopper = threading.Thread(target=self._stop, name="lower")
                self._stopper.start()

    def _depth(self) -> int | None:
        """The depth of the queues; None when they do not answer."""
        try:
            return self._actions.queue_depth()
        except ClusterError:
            return None

    def _stop(self) -> None:
        if not self._once.acquire(blocking=False):
            return
        with contextlib.ExitStack() as last:
            # Whatever goes wrong above, these happen, the last first.
            last.callback(self._stopped.set)
            last.callback(self._cluster_lock.release)
            last.callback(self._network.release)
            last.callback(self._topology.stop)
            last.callback(self._faults.close)
            last.callback(self._control.close)
            # No death from here on is a fault, and none is replaced.
            for group in self._topology.groups():
                group.close()


def make_cluster(plan: Plan, folder: Path, emit: Emit) -> Cluster:
    """The local target of `plan`, not yet started; its logs go to `folder/logs`."""
    return Cluster(plan.pattern, plan.timings, folder, emit, plan.run, plan.seed)
