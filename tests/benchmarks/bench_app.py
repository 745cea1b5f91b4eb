"""What the application's web framework costs: Starlette against an HTTP layer written by hand.

Each pattern's store, with its real services, behind two real processes: the application and
`handwritten_app`, which serves the same shop. The same client loads both in turn; rounds
alternate, so that whatever else the machine does meets both. `vs_handwritten_ratio` compares
requests per second, `vs_handwritten_cpu_ratio` processor time per request of the web process,
which a busy machine disturbs less; below 1 the framework costs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from tests.support.aws import Region
from tests.support.services import App, MiniStack, Postgres, Service, Valkey, remove
from tests.support.waiting import wait_until

S = TypeVar("S", bound=Service)
USERS, SECONDS, ROUNDS = 32, 2, 5
STORES = {"sticky": "memory", "distributed": "valkey", "decoupled": "decoupled"}


@dataclass
class Run:
    """Requests per second, and processor time of the web process per request."""

    rate: float
    cpu_us: float


def bench() -> dict[str, float]:
    """The figures of all patterns."""
    figures: dict[str, float] = {}
    for pattern, store in STORES.items():
        with tempfile.TemporaryDirectory() as name, _services(Path(name), store) as env:
            figures |= _compared(pattern, Path(name), env)
    return figures


def _compared(pattern: str, folder: Path, env: Mapping[str, str]) -> dict[str, float]:
    with ExitStack() as stack:
        app = _started(stack, App(folder / "app", env))
        peer = _started(stack, App(folder / "peer", env, "tests.benchmarks.handwritten_app"))
        rounds = [(_loaded(app), _loaded(peer)) for _ in range(ROUNDS)]
    return {
        f"app_{pattern}_requests_per_s": statistics.median(ours.rate for ours, _ in rounds),
        f"app_{pattern}_request_cpu_us": statistics.median(ours.cpu_us for ours, _ in rounds),
        f"app_{pattern}_vs_handwritten_ratio": statistics.median(
            ours.rate / theirs.rate for ours, theirs in rounds
        ),
        f"app_{pattern}_vs_handwritten_cpu_ratio": statistics.median(
            theirs.cpu_us / ours.cpu_us for ours, theirs in rounds
        ),
    }


@contextmanager
def _services(folder: Path, store: str) -> Iterator[dict[str, str]]:
    """The services of a store, and what they are called in the environment."""
    env = {"SESSION_STORE": store}
    with ExitStack() as stack:
        if store == "valkey":
            valkey = Valkey(folder / "valkey")
            _started(stack, valkey)
            env["CACHE_URL"] = valkey.url
        if store == "decoupled":
            ministack = MiniStack(folder / "ministack")
            _started(stack, ministack)
            postgres = Postgres(folder / "postgres")
            stack.callback(remove, folder / "postgres")
            _started(stack, postgres)
            region = Region(ministack, "bench")
            stack.callback(region.close)
            env |= {**region.env, "DATABASE_URL": postgres.url}
            _started(stack, App(folder / "worker", env, "reference_app.worker"))
        yield env


def _started(stack: ExitStack, service: S) -> S:
    stack.callback(service.kill)
    service.start()
    if isinstance(service, App):
        wait_until(lambda: _healthy(service.url), f"healthy\n{service.log()}")
    return service


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2):
            return True
    except OSError:
        return False


def _loaded(app: App) -> Run:
    assert app.child is not None
    process = psutil.Process(app.child.pid)
    before = process.cpu_times()
    command = [sys.executable, "-m", "tests.benchmarks.app_load", app.url]
    command += [str(USERS), str(SECONDS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    counts = json.loads(done.stdout)
    if counts["failures"]:
        raise RuntimeError(f"{counts['failures']} requests failed:\n{app.log()[-2000:]}")
    after = process.cpu_times()
    used_s = (after.user + after.system) - (before.user + before.system)
    return Run(counts["rate"], 1e6 * used_s / counts["requests"])


if __name__ == "__main__":
    for figure, value in bench().items():
        print(f"{figure:45} {value:12.3f}")
