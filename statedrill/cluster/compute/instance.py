"""One instance: an id, a zone, an address and the application's process.

Knows how an application process is built and when it is ready; knows nothing of the group that
keeps it.
"""

from __future__ import annotations

import http.client
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import statedrill
from statedrill.cluster.compute.clock import Clock
from statedrill.cluster.compute.scaling_decisions import InstanceState, Member
from statedrill.cluster.compute.volume import Volume
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import accepts
from statedrill.processes.cpu_throttle import CpuThrottle
from statedrill.processes.process import Process
from statedrill.vocabulary import Equipment

_PROBE_TIMEOUT_S = 1.0
_WORKER_SETTLED_S = 1.0
_MOST_INSTANCES = 200
_THROTTLE_PERIOD_S = 0.1  # that of the kernel's own quota


@dataclass(frozen=True)
class Template:
    """What every instance of a group is made of.

    `role` is `instance` (ready when `health` answers 200) or `worker` (ready when `health`
    answers 200, or after one second of being alive: a worker need not speak HTTP). `environment`
    gives the variables for an instance in a zone. With `shards` the load balancer knows an instance
    by its volume.
    """

    role: str
    command: tuple[str, ...]
    cwd: Path
    health: str
    environment: Callable[[str], Mapping[str, str]]
    shards: bool = False


@dataclass(eq=False)
class Instance:
    """An instance and its state; `since_s` is the monotonic time of its newest state.

    `on_change` is called after every transition, with why when it is not the usual way; `clock` is
    its own, if instances have one; `volume` is attached to it, if instances have one; `target` is
    its name at the load balancer. `was_told_to_go`: its group terminates it, or has done so; one
    that died was not told.
    """

    id: str
    zone: str
    address: str
    port: int
    process: Process
    on_change: Callable[[Instance, str], None]
    target: str
    clock: Clock | None = None
    volume: Volume | None = None
    state: InstanceState = InstanceState.LAUNCHING
    since_s: float = 0.0
    was_told_to_go: bool = False
    _throttle: CpuThrottle | None = None

    def transition(self, state: InstanceState, why: str = "") -> None:
        """Enter `state` and report it."""
        self.state, self.since_s = state, time.monotonic()
        self.was_told_to_go = self.was_told_to_go or state is InstanceState.TERMINATING
        self.on_change(self, why)

    @property
    def in_service(self) -> bool:
        """Whether it does its work now: its process exists and is not being terminated."""
        at_work = (InstanceState.READY, InstanceState.REGISTERED)
        return self.state in at_work and self.process.alive

    @property
    def throttled(self) -> bool:
        """Whether it exists and gets a share of its processor time only."""
        return self._throttle is not None and self.process.alive

    def as_member(self, outdated: bool, unhealthy_since_s: float | None) -> Member:
        """What its group decides by."""
        return Member(
            self.id,
            self.zone,
            self.state,
            self.since_s,
            self.in_service,
            outdated,
            unhealthy_since_s,
        )

    def accepts_connections(self) -> bool:
        """Whether a connection to its port is accepted now."""
        return accepts(self.address, self.port)

    def throttle_cpu(self, share: float) -> None:
        """Give it `share` (0 to 1) of its processor time, until `unthrottle_cpu`."""
        self.unthrottle_cpu()
        self._throttle = CpuThrottle(self.process, share, _THROTTLE_PERIOD_S)
        self._throttle.start()

    def unthrottle_cpu(self) -> None:
        """Give it all of its processor time; idempotent."""
        if self._throttle:
            self._throttle.stop()
            self._throttle = None


def instance_ids(seed: int, role: str) -> list[str]:
    """The ids that instances of a role will have, in turn: `i-` and 8 hex digits."""
    chance = random.Random(f"{role} ids {seed}")
    return [f"i-{chance.getrandbits(32):08x}" for _ in range(_MOST_INSTANCES)]


def expanded(command: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """`python` is the Python that runs this, which also finds what lies beside this package."""
    if command[0] != "python":
        return command, {}
    beside = str(Path(statedrill.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), beside)))
    return (sys.executable, *command[1:]), {"PYTHONPATH": path}


def build(  # noqa: PLR0913, PLR0917 - an instance is made of that much
    template: Template,
    instance_id: str,
    zone: str,
    context: ClusterContext,
    on_exit: Callable[[Instance], None],
    volume: Volume | None = None,
) -> Instance:
    """An instance at a new address of `zone`; its process is made, not started."""
    address, port = context.network.zone_address(zone), context.network.port(8080)
    clock = None
    if Equipment.CLOCKS in context.equipment:
        clock = Clock(context.registry.folder / "clocks" / instance_id)
    env = {
        **template.environment(zone),
        **(clock.environment if clock else {}),
        **(volume.environment() if volume else {}),
        "HOST": address,
        "PORT": str(port),
        "INSTANCE_ID": instance_id,
        "ZONE": zone,
    }

    def ready() -> bool:
        settled = time.monotonic() - instance.process.started_s > _WORKER_SETTLED_S
        is_ready = _healthy(address, port, template.health)
        return is_ready or (template.role == "worker" and settled)

    def report(changed: Instance, why: str) -> None:
        context.registry.emit(
            "instance",
            id=changed.id,
            role=template.role,
            zone=changed.zone,
            address=f"{changed.address}:{changed.port}",
            state=changed.state.value,
            **({"why": why} if why else {}),
        )

    process = context.registry.process(
        f"{template.role}-{instance_id}",
        template.role,
        zone,
        volume.command(template.command) if volume else template.command,
        env=env,
        cwd=template.cwd,
        ready=ready,
        on_exit=lambda _process, _code: on_exit(instance),
        unready=f"GET http://{address}:{port}{template.health} did not answer 200",
    )
    target = volume.id if volume and template.shards else instance_id
    instance = Instance(
        instance_id, zone, address, port, process, report, target, clock=clock, volume=volume
    )
    return instance


def _healthy(address: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(address, port, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
