"""The edges of a cluster: the way from each zone to each service.

Without a hop an edge is direct: an instance is told the service's own address, and nothing is
between them. With a hop each edge has an address of its own, whose link can be cut, slowed and
restored. Knows addresses and zones; knows no service.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Any

from statedrill.cluster.network.addresses import ZONES, Network
from statedrill.cluster.network.connection import DirectionName
from statedrill.errors import ClusterError
from statedrill.processes.registry import ProcessRegistry

Address = tuple[str, int]

_START_TIMEOUT_S = 10.0
_CALL_TIMEOUT_S = 5.0


class HopProcess:
    """The hop of one cluster (see `hop`), and the commands that it takes."""

    def __init__(self, registry: ProcessRegistry) -> None:
        self._socket = registry.socket("hop.sock")
        self.process = registry.process(
            "hop",
            "hop",
            "region",
            (sys.executable, "-m", "statedrill.cluster.network.hop", str(self._socket)),
            ready=self._answers,
        )

    def start(self) -> None:
        """Start it without any link.

        Raises:
            ClusterError: it did not start.
        """
        self._socket.unlink(missing_ok=True)
        self.process.start(_START_TIMEOUT_S)

    def call(self, do: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one command.

        Raises:
            ClusterError: it is not there, or refused.
        """
        try:
            with socket.socket(socket.AF_UNIX) as control:
                control.settimeout(_CALL_TIMEOUT_S)
                control.connect(str(self._socket))
                control.sendall(json.dumps({"do": do, **parameters}).encode() + b"\n")
                with control.makefile("rb") as answers:
                    answer: dict[str, Any] = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise ClusterError(f"the hop does not answer: {error}") from error
        if "error" in answer:
            raise ClusterError(f"the hop refused to {do} {parameters}: {answer['error']}")
        return dict(answer["ok"])

    def _answers(self) -> bool:
        try:
            self.call("describe")
        except ClusterError:
            return False
        return True


class Edge:
    """The way from `zone` to `service`; `address` is what an instance of the zone is told.

    Only an edge with a hop can be broken: every method raises ClusterError without one.
    """

    def __init__(
        self, zone: str, service: str, address: Address, target: Address, hop: HopProcess | None
    ) -> None:
        self.zone, self.service = zone, service
        self.address, self.target = address, target
        self._hop = hop

    @property
    def name(self) -> str:
        """`<zone>/<service>`."""
        return f"{self.zone}/{self.service}"

    @property
    def is_direct(self) -> bool:
        """Whether nothing is between the zone and the service."""
        return self._hop is None

    def open(self) -> None:
        """Listen on `address` and forward to `target`."""
        self._do("open", listen=self.address, target=self.target)

    def delay(self, delay_s: float, jitter_s: float = 0.0) -> None:
        """Hold every byte for `delay_s` each way, and for up to `jitter_s` more by chance."""
        self._do("delay", delay_s=delay_s, jitter_s=jitter_s)

    def cut(self, *directions: DirectionName) -> None:
        """Lose every byte in these directions (`up` to the service, `down` back; default both)."""
        self._do("cut", directions=directions or ("up", "down"))

    def refuse(self) -> None:
        """Reset every connection and refuse new ones."""
        self._do("refuse")

    def limit(self, direction: DirectionName, size: int) -> None:
        """Reset each connection after `size` more bytes in a direction."""
        self._do("limit", direction=direction, bytes=size)

    def reset(self) -> None:
        """Reset every connection and drop what is on its way."""
        self._do("reset")

    def restore(self) -> None:
        """Forward everything again, at once; connections that lost bytes are reset."""
        self._do("restore")

    def describe(self) -> dict[str, Any]:
        """Connections, and bytes that passed and that were lost (see `Link.describe`)."""
        return dict(self._required().call("describe")[self.name])

    def _do(self, what: str, **parameters: Any) -> None:
        self._required().call(what, link=self.name, **parameters)

    def _required(self) -> HopProcess:
        if self._hop is None:
            raise ClusterError(
                f"the edge {self.name} is direct and cannot be broken",
                "give the pattern a hop: zones: {latency_ms: 0}",
            )
        return self._hop


class Edges:
    """Every edge of one cluster. `latency_s` each way puts a hop on each; None leaves them direct.

    A hop that died is started again by `restore`; until then nothing passes.
    """

    def __init__(
        self, registry: ProcessRegistry, network: Network, latency_s: float | None = None
    ) -> None:
        self._network, self._latency_s = network, latency_s
        self._hop = HopProcess(registry) if latency_s is not None else None
        self._edges: dict[tuple[str, str], Edge] = {}
        self._restoring = threading.Lock()

    def announce(self, service: str, target: Address, host_number: int) -> None:
        """Have an edge from each zone to `target`; its address ends in `host_number`."""
        for zone in ZONES:
            address = target
            if self._hop:
                host = self._network.zone_address(zone, host_number)
                address = (host, self._network.port(target[1]))
            self._edges[zone, service] = Edge(zone, service, address, target, self._hop)

    def edge(self, zone: str, service: str) -> Edge:
        """The way from `zone` to `service`."""
        return self._edges[zone, service]

    def all(self, zone: str | None = None) -> Sequence[Edge]:
        """Every edge, from one zone or from all."""
        return [edge for edge in self._edges.values() if zone in (None, edge.zone)]

    def start(self) -> None:
        """Start the hop and open every edge; nothing when they are direct.

        Raises:
            ClusterError: the hop did not start, or an address is in use.
        """
        if self._hop is None or not self._edges:
            return
        self._hop.start()
        for edge in self.all():
            edge.open()
            self._slow_down(edge)

    def zone_down(self, zone: str) -> None:
        """The zone is dead: so is what is on its wires."""
        if self._hop and self._hop.process.alive:
            for edge in self.all(zone):
                edge.reset()

    def is_healthy(self) -> bool:
        """Whether the hop is there, where there must be one."""
        return self._hop is None or not self._edges or self._hop.process.alive

    def restore(self) -> None:
        """Bring the hop back, and every edge to how it was at the start.

        Raises:
            ClusterError: as `start`.
        """
        if self._hop is None or not self._edges:
            return
        with self._restoring:
            if not self.is_healthy():
                self.start()
                return
            for edge in self.all():
                edge.restore()
                self._slow_down(edge)

    def stop(self) -> None:
        """End the hop at once; idempotent."""
        if self._hop:
            self._hop.process.kill()
            self._hop.process.wait_gone()

    def _slow_down(self, edge: Edge) -> None:
        if self._latency_s:
            edge.delay(self._latency_s)
