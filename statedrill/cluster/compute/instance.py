"""One instance: an id, a zone, an address and the application's process.

Knows how an application process is built and when it is ready; knows nothing of the group that
keeps it. A volume that outlives its instance would join here, as one more part of its environment.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from statedrill.cluster.context import ClusterContext
from statedrill.processes.process import Process

LAUNCHING, READY, REGISTERED = "launching", "ready", "registered"
DEAD, TERMINATING, TERMINATED = "dead", "terminating", "terminated"
ACTIVE = frozenset({LAUNCHING, READY, REGISTERED})

_PROBE_TIMEOUT_S = 1.0
_WORKER_SETTLED_S = 1.0


@dataclass(frozen=True)
class Template:
    """What every instance of a group is made of.

    `role` is `instance` (ready when `health` answers 200) or `worker` (ready when `health`
    answers 200, or after one second of being alive: a worker need not speak HTTP).
    """

    role: str
    command: tuple[str, ...]
    cwd: Path
    health: str
    env: Mapping[str, str]


@dataclass(eq=False)
class Instance:
    """An instance and its state; `since` is the monotonic time of its newest state, in seconds."""

    id: str
    zone: str
    address: str
    port: int
    process: Process
    tell: Callable[[Instance], None]
    state: str = ""
    since: float = field(default=0.0)

    def transition(self, state: str) -> None:
        """Enter `state` and tell."""
        self.state, self.since = state, time.monotonic()
        self.tell(self)

    @property
    def in_service(self) -> bool:
        """Whether it does its work now: its process is there and nobody is taking it down."""
        return self.state in (READY, REGISTERED) and self.process.alive


def build(
    template: Template,
    instance_id: str,
    zone: str,
    context: ClusterContext,
    on_exit: Callable[[Instance], None],
) -> Instance:
    """An instance at a new address of `zone`; its process is made, not started."""
    address, port = context.network.zone_address(zone), context.network.port(8080)
    env = {
        **template.env,
        "HOST": address,
        "PORT": str(port),
        "INSTANCE_ID": instance_id,
        "ZONE": zone,
    }

    def ready() -> bool:
        settled = time.monotonic() - instance.process.started_s > _WORKER_SETTLED_S
        return _healthy(address, port, template.health) or (template.role == "worker" and settled)

    def tell(told: Instance) -> None:
        context.registry.emit(
            "instance",
            id=told.id,
            role=template.role,
            zone=told.zone,
            address=f"{told.address}:{told.port}",
            state=told.state,
        )

    process = context.registry.process(
        f"{template.role}-{instance_id}",
        template.role,
        zone,
        template.command,
        env=env,
        cwd=template.cwd,
        ready=ready,
        on_exit=lambda _process, _code: on_exit(instance),
        unready=f"GET http://{address}:{port}{template.health} did not answer 200",
    )
    instance = Instance(instance_id, zone, address, port, process, tell)
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
