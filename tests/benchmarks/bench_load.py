"""How fast the load generator is: both sides of every ratio in turn, against one HAProxy response.

The same HAProxy, users and seconds for both sides; rounds alternate, so that whatever else the
machine does meets both. `ratio` figures compare requests per second of one load process; the
`cpu` figures compare processor time per request, which a busy machine disturbs less.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from statedrill.cluster.binaries import haproxy

USERS, SECONDS, ROUNDS = 50, 4, 5

# GET shows an unwritten object; every write is confirmed by its own id, as the contract wants.
ANSWER = """
global
    maxconn 2000
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
frontend response
    bind 127.0.0.1:{port}
    http-request return status 200 content-type application/json string \
'{{"ver":0,"wid":null,"value":null,"items":[]}}' hdr X-Session-Id s1 hdr X-Instance-Id i-1 \
if METH_GET
    http-request return status 200 content-type application/json lf-string \
"{{\\"user\\":\\"rb-u%[req.hdr(X-Write-Id),field(2,.)]\\",\\"session\\":\\"s1\\",\\"ver\\":1,\
\\"wid\\":\\"%[req.hdr(X-Write-Id)]\\"}}" hdr X-Session-Id s1 hdr X-Instance-Id i-1 \
hdr Set-Cookie "sid=0123456789abcdef; Path=/; HttpOnly"
"""

FAST_PLAIN = """
from locust import FastHttpUser, task

class Fast(FastHttpUser):
    @task
    def read(self):
        self.client.get("/preferences")
"""
OURS_PLAIN = """
from locust import task
from statedrill.load import StatefulUser

class Ours(StatefulUser):
    @task
    def look(self):
        self.read("preferences")
"""
# Cookies, JSON both ways and two kinds of requests.
FAST_RICH = """
from locust import FastHttpUser, task

class Fast(FastHttpUser):
    @task
    def cart(self):
        self.client.get("/cart").json()["items"]

    @task
    def fill(self):
        self.client.post("/cart/items", json={"sku": "tea", "quantity": 1}).json()["wid"]
"""
OURS_RICH = """
from locust import task
from statedrill.load import StatefulUser

class Ours(StatefulUser):
    @task
    def cart(self):
        self.read("cart")["items"]

    @task
    def fill(self):
        self.add("cart", "tea", quantity=1)
"""


@dataclass
class Run:
    """What one run of Locust did: requests per second, processor time per request, and how many
    processors it and HAProxy kept busy.
    """

    rate: float
    cpu_us: float
    busy_cores: float


def bench() -> dict[str, float]:
    """The figures of the load generator, each from runs of both sides in turn."""
    with tempfile.TemporaryDirectory() as name, _haproxy(Path(name)) as (address, server):
        bench_of = _Bench(Path(name), address, server)
        return {
            **bench_of.plain(),
            **bench_of.rich(),
            **bench_of.two_processes(),
            **bench_of.far_process(),
        }


class _Bench:
    def __init__(self, folder: Path, address: str, server: psutil.Process) -> None:
        self.folder = folder
        self.address = address
        self.server = server
        self.count = 0

    def plain(self) -> dict[str, float]:
        """Against a plain FastHttpUser, and against ourselves without a record."""
        rounds = self.in_turn(
            lambda: self.locust(FAST_PLAIN, False),
            lambda: self.locust(OURS_PLAIN, True),
            lambda: self.locust(OURS_PLAIN, False),
        )
        return {
            "load_fasthttpuser_per_s": _median(fast.rate for fast, _, _ in rounds),
            "load_plain_per_s": _median(ours.rate for _, ours, _ in rounds),
            "load_plain_cpu_us": _median(ours.cpu_us for _, ours, _ in rounds),
            "load_plain_vs_fasthttpuser_ratio": _median(
                ours.rate / fast.rate for fast, ours, _ in rounds
            ),
            "load_plain_vs_fasthttpuser_cpu_ratio": _median(
                fast.cpu_us / ours.cpu_us for fast, ours, _ in rounds
            ),
            "load_recording_cost_pct": _median(
                100 * (1 - ours.rate / bare.rate) for _, ours, bare in rounds
            ),
            "load_recording_cost_cpu_pct": _median(
                100 * (1 - bare.cpu_us / ours.cpu_us) for _, ours, bare in rounds
            ),
        }

    def rich(self) -> dict[str, float]:
        """With cookies, JSON and two kinds of requests."""
        rounds = self.in_turn(
            lambda: self.locust(FAST_RICH, False), lambda: self.locust(OURS_RICH, True)
        )
        return {
            "load_rich_per_s": _median(ours.rate for _, ours in rounds),
            "load_rich_vs_fasthttpuser_ratio": _median(
                ours.rate / fast.rate for fast, ours in rounds
            ),
            "load_rich_vs_fasthttpuser_cpu_ratio": _median(
                fast.cpu_us / ours.cpu_us for fast, ours in rounds
            ),
        }

    def two_processes(self) -> dict[str, float]:
        """Two load processes against one. With HAProxy that is three busy processes.

        On two cores the ratio cannot come near two: the figure of busy cores says so. The processor
        time per request then tells whether two processes are in each other's way (1: they are not).
        """
        rounds = self.in_turn(
            lambda: self.locust(OURS_PLAIN, True, "--processes", "1"),
            lambda: self.locust(OURS_PLAIN, True, "--processes", "2"),
        )
        return {
            "load_two_processes_ratio": _median(two.rate / one.rate for one, two in rounds),
            "load_two_processes_cpu_ratio": _median(one.cpu_us / two.cpu_us for one, two in rounds),
            "load_two_processes_busy_cores": _median(two.busy_cores for _, two in rounds),
            "load_cores": float(os.cpu_count() or 1),
        }

    def far_process(self) -> dict[str, float]:
        """What it costs that the record travels to the master instead of into its folder."""
        rounds = self.in_turn(
            lambda: self.locust(OURS_PLAIN, True, "--processes", "1"),
            lambda: self.far(OURS_PLAIN),
        )
        return {
            "load_far_cost_pct": _median(100 * (1 - far.rate / near.rate) for near, far in rounds),
            "load_far_cost_cpu_pct": _median(
                100 * (far.cpu_us / near.cpu_us - 1) for near, far in rounds
            ),
        }

    def far(self, scenario: str) -> Run:
        """A master, and a load process that is no child of it."""
        path = self.folder / "far.py"
        path.write_text(scenario)
        port = str(20_000 + self.count)
        worker = subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", str(path), "--worker", "--master-port", port],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            return self.locust(
                scenario, True, "--master", "--master-bind-host", "127.0.0.1",
                "--master-bind-port", port, "--expect-workers", "1", other=worker,
            )  # fmt: skip
        finally:
            worker.kill()
            worker.wait()

    def in_turn(self, *sides: Callable[[], Run]) -> list[tuple[Run, ...]]:
        """A run of every side, round after round; every round gives one figure."""
        return [tuple(side() for side in sides) for _ in range(ROUNDS)]

    def locust(
        self,
        scenario: str,
        record: bool,
        *options: str,
        other: subprocess.Popen[bytes] | None = None,
    ) -> Run:
        self.count += 1
        path = self.folder / f"scenario_{self.count}.py"
        path.write_text(scenario)
        history = self.folder / f"history-{self.count}"
        env = {**os.environ, "STATEDRILL_RUN": "rb", "STATEDRILL_PACE_S": "0"}
        env["STATEDRILL_HISTORY"] = str(history) if record else ""
        command = [
            sys.executable, "-m", "locust", "-f", str(path), "--headless", "--only-summary",
            "-u", str(USERS), "-r", str(USERS), "-t", f"{SECONDS}s", "-H", self.address, *options,
        ]  # fmt: skip
        idle_s = _start_up_s() * (1 if other is None else 2)
        before, served = os.times(), _used_s(self.server)
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if other is not None:
            other.wait(30)
        after = os.times()
        requests, failures, rate = _summary(done.stdout + done.stderr)
        if failures > USERS:  # those in flight at the end
            raise RuntimeError(f"{failures} of {requests} requests failed:\n{done.stderr[-2000:]}")
        used_s = (after.children_user + after.children_system) - (
            before.children_user + before.children_system
        )
        load_s = max(used_s - idle_s, 0.0)
        busy_cores = (load_s + _used_s(self.server) - served) * rate / requests
        return Run(rate, 1e6 * load_s / requests, busy_cores)


def _used_s(process: psutil.Process) -> float:
    """The processor time of a process so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


_start_up: list[float] = []


def _start_up_s() -> float:
    """The processor time of a Python that imports Locust and ends: no part of a request."""
    if not _start_up:
        before = os.times()
        subprocess.run([sys.executable, "-c", "import locust.main"], check=True)
        after = os.times()
        _start_up.append(
            after.children_user + after.children_system
            - before.children_user - before.children_system
        )  # fmt: skip
    return _start_up[0]


def _summary(text: str) -> tuple[int, int, float]:
    """(requests, failures, requests per second) of Locust's own summary."""
    found = re.search(r"Aggregated +(\d+) +(\d+)\(.*?\|[^|]*\| +([\d.]+)", text)
    if not found:
        raise RuntimeError(f"Locust printed no summary:\n{text[-2000:]}")
    return int(found[1]), int(found[2]), float(found[3])


def _median(figures: Iterable[float]) -> float:
    """Of the rounds, the middle one: a neighbour's burst of work spoils a round, not the figure."""
    return statistics.median(figures)


@contextmanager
def _haproxy(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """HAProxy in the foreground of a group of its own; tries ports until one is free."""
    for port in range(18_471, 18_571):
        config = folder / "haproxy.cfg"
        config.write_text(ANSWER.format(port=port))
        process = subprocess.Popen(
            [str(haproxy()), "-f", str(config), "-db"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            if _answers(process, f"http://127.0.0.1:{port}/"):
                yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
                return
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    raise RuntimeError("no free port for HAProxy")


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return process.poll() is None
        except OSError:
            time.sleep(0.02)
    return False


if __name__ == "__main__":
    for figure, value in bench().items():
        print(f"{figure:45} {value:12.3f}")
