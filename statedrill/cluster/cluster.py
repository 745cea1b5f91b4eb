"""One pattern made of live processes, from the first process to the last: `with Cluster(...)`.

The life of a cluster from start to stop; its parts are in `topology`, what faults may break of them
in `fault_target`. Prints nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import time
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from statedrill import faults
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.fault_target import ClusterFaultTarget
from statedrill.cluster.network.addresses import ZONES, Network
from statedrill.cluster.queries import Queries, restore_timeout_s
from statedrill.cluster.sampler import Sampler, look
from statedrill.cluster.topology import Topology
from statedrill.control.server import ControlServer
from statedrill.errors import ClusterError
from statedrill.faults.injector import FaultInjector
from statedrill.faults.ledger import FaultLedger, read_ledger, undo_left_behind
from statedrill.history.events import Emit
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.timings import Timings
from statedrill.plan.plan import Plan
from statedrill.processes.cluster_lock import ClusterLock
from statedrill.processes.leftovers import cleanup_leftovers
from statedrill.processes.open_files import raise_file_limit
from statedrill.processes.registry import ProcessRegistry
from statedrill.processes.shutdown import Shutdown
from statedrill.vocabulary import Equipment

_DRAINED_LOOKS = 3
_LOOK_S = 0.2
_EXTRA_NUMBER = 200  # no part of a cluster has this number in the regional network


class Cluster:
    """The processes of `pattern`; logs go to `folder/logs`, everything that happens to `emit`.

    `run` names the run in the control file, `seed` decides which instance a fault takes;
    `equipment` is what the faults of an experiment need from the start on; `sampled`: what its
    parts count is recorded once a second.

    Raises:
        ClusterError: from every method that starts or waits for something.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - plain inputs, all of them the plan's
        self,
        pattern: Pattern,
        timings: Timings,
        folder: Path,
        emit: Emit,
        run: str,
        seed: int,
        equipment: Collection[Equipment] = (),
        sampled: bool = False,
    ) -> None:
        self._pattern, self._run, self._emit = pattern, run, emit
        cleanup_leftovers(undo=undo_left_behind)
        self._cluster_lock = ClusterLock()
        self._network = Network()
        registry = ProcessRegistry(
            self._cluster_lock.cluster,
            self._cluster_lock.folder,
            folder.resolve() / "logs",
            emit,
            on_spawn=self._cluster_lock.record_child,
        )
        try:
            self._topology = Topology(
                pattern, ClusterContext(registry, self._network, timings, equipment), seed
            )
        except BaseException:
            self._network.release()
            self._cluster_lock.release()
            raise
        self._sampler = Sampler(partial(look, self._topology), emit) if sampled else None
        self._queries = Queries(self._topology)
        self._faults = FaultInjector(
            ClusterFaultTarget(pattern, self._topology),
            emit,
            FaultLedger(self._cluster_lock.folder),
        )
        self._control = ControlServer(
            {
                **self._queries.actions(),
                **self._faults.actions(),
                "status": lambda _: self.status(),
                "restore": lambda _: self._restored(),
                "heal": lambda _: self._restored(),  # its name in an earlier version
            }
        )
        self._shutdown = Shutdown(self._stop)

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
                    "names": str(self._topology.balancer.names),
                },
            )
        except BaseException:
            self.stop()
            raise
        self._emit("cluster-ready", took_s=round(time.monotonic() - begin, 3))
        if self._sampler:
            self._sampler.start()

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
            "instances": self._queries.describe_instances(),
            "nodes": self._topology.nodes(),
            "queue_depth": self._depth(),
            "open_faults": self._faults.open(),
        }

    def environment(self) -> dict[str, str]:
        """What the application is told of its services, as environment variables."""
        return self._topology.environment(ZONES[0])

    def missing(self) -> list[str]:
        """What keeps the cluster from being healthy, in words; empty when it is healthy."""
        return self._topology.missing()

    def restore(self, timeout_s: float | None = None) -> list[str]:
        """Undo every open fault, wait until healthy; ids of those faults. Idempotent.

        Raises:
            ClusterError: not healthy within `timeout_s` (default: what the timings need, and more).
        """
        limit_s = timeout_s if timeout_s is not None else restore_timeout_s(self._topology)
        return self._faults.restore(time.monotonic() + limit_s)

    def _restored(self) -> dict[str, object]:
        """As at the start, for the next experiment; a drill at its end keeps planned changes."""
        restored = self.restore()
        self._topology.resize()
        self.wait_healthy(restore_timeout_s(self._topology))
        return {"restored": restored, "healed": restored}

    def wait_healthy(self, timeout_s: float) -> None:
        """Return when every instance, worker and node is there and healthy.

        Raises:
            ClusterError: something is missing after `timeout_s`; says what.
        """
        self._topology.wait_until_healthy(time.monotonic() + timeout_s)

    def settle(self, timeout_s: float) -> bool:
        """Wait until the queues were empty three times in a row, and until no cache shows what was
        before the last write; whether the queues were empty in time.

        The load is over: a group that followed it must not shrink under what reads its state.
        """
        self._topology.suspend_scaling()
        deadline = time.monotonic() + timeout_s
        empty, depth = 0, self._depth()
        while self._topology.defers_work and empty < _DRAINED_LOOKS and time.monotonic() < deadline:
            depth = self._depth()
            empty = empty + 1 if depth == 0 else 0
            time.sleep(_LOOK_S)
        time.sleep(self._pattern.application.cached_s)
        drained = empty >= _DRAINED_LOOKS or not self._topology.defers_work
        self._emit("settled", drained=drained, queue_depth=depth)
        return drained

    def restart_instances(self, timeout_s: float, rolling: bool = False) -> None:
        """Restart the process of every instance (SIGTERM first), at once or one by one.

        Raises:
            ClusterError: an instance did not come back, or the cluster is not healthy in time.
        """
        deadline = time.monotonic() + timeout_s
        self._topology.instances.restart(rolling)
        self._topology.wait_until_healthy(deadline)

    def stop(self) -> None:
        """End every process and remove all data but the logs; idempotent, safe at any time.

        An interrupt (Ctrl-C) meanwhile is raised when everything has ended.
        """
        self._shutdown.run()
        atexit.unregister(self.stop)

    def _stop(self) -> None:
        with contextlib.ExitStack() as last:
            # Whatever goes wrong above, these happen, the last first.
            last.callback(self._release)
            last.callback(self._network.release)
            last.callback(self._topology.stop)
            last.callback(self._close_faults)
            last.callback(self._control.close)
            if self._sampler:
                last.callback(self._sampler.stop)
            # No death from here on is a fault, and none is replaced.
            for group in self._topology.groups():
                group.close()

    def _close_faults(self) -> None:
        try:
            self._faults.close()
        except ClusterError as error:
            self._emit("crash", why=f"a fault outlives the cluster: {error.message}")

    def _release(self) -> None:
        try:
            left = read_ledger(self._cluster_lock.folder)
        except ClusterError:
            left = None
        if left == []:
            self._cluster_lock.release()
        else:
            self._cluster_lock.abandon()  # the next start undoes what could not be undone now

    def _depth(self) -> int | None:
        """The depth of the queues; None when they do not answer."""
        try:
            return self._topology.backlog()
        except ClusterError:
            return None


def make_cluster(plan: Plan, folder: Path, emit: Emit, sampled: bool = True) -> Cluster:
    """The local target of `plan`, not yet started; its logs go to `folder/logs`."""
    raise_file_limit()  # all its processes inherit it
    called = (f"{call.module}.{call.func}" for call in plan.experiment.calls)
    equipment = faults.equipment(called)
    return Cluster(
        plan.pattern, plan.timings, folder, emit, plan.run, plan.seed, equipment, sampled
    )
