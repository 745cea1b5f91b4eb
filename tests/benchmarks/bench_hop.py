"""What the hop between a zone and a service costs: added to an exchange, under load, and idle.

An exchange is 200 bytes to an echo server on the same machine and 300 back; server, hop and client
each have a process of their own. The hop's processor time an exchange is steadier than its
throughput where cores are shared.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import psutil
import uvloop

from statedrill.cluster.network.addresses import Network, accepts
from statedrill.cluster.network.edge import Edge
from statedrill.cluster.network.edges import Edges
from statedrill.processes.registry import ProcessRegistry

REQUEST, ANSWER_BYTES = b"x" * 200, 300
ROUNDS, ROUND_S, CONNECTIONS, IDLE_S = 5, 0.8, 50, 2.0

SERVER = """
import asyncio, sys, uvloop
class Echo(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data): self.transport.write(b"y" * 300 * (len(data) // 200))
async def main():
    await asyncio.get_running_loop().create_server(Echo, sys.argv[1], int(sys.argv[2]))
    await asyncio.Event().wait()
uvloop.run(main())
"""


def bench() -> dict[str, float]:
    """Medians over a few rounds; direct and through the hop in turn."""
    with tempfile.TemporaryDirectory() as folder, _world(Path(folder)) as (edge, hop):
        alone: dict[bool, list[float]] = {True: [], False: []}
        many: dict[bool, list[float]] = {True: [], False: []}
        cpu_us = []
        for _ in range(ROUNDS):
            for through in (False, True):
                address = edge.address if through else edge.target
                alone[through].append(statistics.median(_exchanges(address, 1)) * 1e6)
                before_s = _cpu_s(hop)
                done = len(_exchanges(address, CONNECTIONS))
                many[through].append(done / ROUND_S)
                if through:
                    cpu_us.append((_cpu_s(hop) - before_s) / done * 1e6)
        idle_pct = uvloop.run(_idle(edge.address, hop))
        return {
            "hop_added_us": statistics.median(alone[True]) - statistics.median(alone[False]),
            "hop_requests_per_s": statistics.median(many[True]),
            "hop_direct_requests_per_s": statistics.median(many[False]),
            "hop_cpu_per_request_us": statistics.median(cpu_us),
            "hop_idle_cpu_pct": idle_pct,
            "hop_peak_mib": hop.memory_info().rss / 2**20,
        }


@contextmanager
def _world(folder: Path) -> Iterator[tuple[Edge, psutil.Process]]:
    """An echo server, an edge to it, and the hop's process."""
    network = Network(folder)
    registry = ProcessRegistry("bench-hop", folder, folder, lambda *_, **__: None)
    edges = Edges(registry, network, latency_s=0.0)
    target = network.regional_address(54), network.port(7000)
    server = subprocess.Popen([sys.executable, "-c", SERVER, target[0], str(target[1])])
    try:
        while not accepts(*target):
            time.sleep(0.02)
        edges.announce("echo", target, 54)
        edges.start()
        (hop,) = registry.alive()
        yield edges.edge("a", "echo"), psutil.Process(hop.pid)
    finally:
        registry.close(0.0)
        server.kill()
        server.wait()
        network.release()


class _Client(asyncio.Protocol):
    """Sends a request, waits for the whole answer, sends the next, until the round is over."""

    def __init__(self, took_s: list[float], until_s: float) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._took_s, self._until_s, self._received = took_s, until_s, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received < ANSWER_BYTES:
            return
        now_s = time.perf_counter()
        self._took_s.append(now_s - self._sent_s)
        if now_s < self._until_s:
            self._ask()
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()

    def _ask(self) -> None:
        self._received, self._sent_s = 0, time.perf_counter()
        self._transport.write(REQUEST)


def _exchanges(address: tuple[str, int], connections: int) -> list[float]:
    """How long each exchange of one round took, in seconds."""

    async def play() -> list[float]:
        took_s: list[float] = []
        until_s = time.perf_counter() + ROUND_S
        loop = asyncio.get_running_loop()
        opened = [
            await loop.create_connection(lambda: _Client(took_s, until_s), *address)
            for _ in range(connections)
        ]
        await asyncio.gather(*(client.done for _, client in opened))
        return took_s

    return uvloop.run(play())


async def _idle(address: tuple[str, int], hop: psutil.Process) -> float:
    """The hop's share of one core, in per cent, with connections that say nothing."""
    opened = [await asyncio.open_connection(*address) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.2)
    before_s, begin_s = _cpu_s(hop), time.perf_counter()
    await asyncio.sleep(IDLE_S)
    share = (_cpu_s(hop) - before_s) / (time.perf_counter() - begin_s) * 100
    for _, writer in opened:
        writer.close()
    return share


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
