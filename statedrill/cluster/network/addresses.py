"""The VPC on loopback: who has which address and port.

A network is `127.<n>.0.0/16` with a free n; a zone is `127.<n>.<zone>.0/24`; regional things
(load balancer, endpoints, MiniStack) live in `127.<n>.0.0/24`. Where only 127.0.0.1 answers
(macOS), every port is a free one instead. Knows no process.
"""

from __future__ import annotations

import errno
import os
import random
import socket
import threading
from pathlib import Path

from statedrill.errors import ClusterError
from statedrill.processes.file_lock import locked
from statedrill.processes.state_directory import state_directory

ZONES = ("a", "b", "c")

_SINGLE = "127.0.0.1"
_FIRST_HOST, _LAST_HOST = 10, 254


class Network:
    """A free `127.<n>.0.0/16`, held by a lock until `release()` or the end of this program."""

    def __init__(self, state: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._given: set[str] = set()
        self._ports: dict[int, int] = {}
        self._given_ports: set[int] = set()
        self._lock_fd, self._lock_path = -1, Path()
        self.n = self._take(state or state_directory())

    @property
    def cidr(self) -> str:
        """The network in the usual notation."""
        return f"127.{self.n}.0.0/16" if self.n else f"{_SINGLE}/32"

    def zone_address(self, zone: str, k: int | None = None) -> str:
        """A new address in `zone`: number `k` of it, or the next. No address is given twice.

        Raises:
            ClusterError: the zone has no address left.
        """
        if not self.n:
            return _SINGLE
        with self._lock:
            prefix = f"127.{self.n}.{ZONES.index(zone) + 1}."
            for host in [k] if k is not None else range(_FIRST_HOST, _LAST_HOST + 1):
                address = f"{prefix}{host}"
                if address not in self._given:
                    self._given.add(address)
                    return address
        raise ClusterError(
            f"zone {zone} has no address left in {prefix}0/24",
            "an address is never reused: start a new cluster for a drill this long",
        )

    def regional_address(self, k: int) -> str:
        """`127.<n>.0.<k>`, for what belongs to no zone."""
        return f"127.{self.n}.0.{k}" if self.n else _SINGLE

    def port(self, wanted: int) -> int:
        """The port to use where a service usually has `wanted`.

        With addresses of our own it is `wanted`, or one substitute for the whole network when
        another program holds that port on all addresses. With one address, a new free port each
        time.
        """
        with self._lock:
            if not self.n:
                return self._fresh_port()
            if wanted not in self._ports:
                self._ports[wanted] = self._usable_port(wanted)
            return self._ports[wanted]

    def release(self) -> None:
        """Give the network back; idempotent."""
        fd, self._lock_fd = self._lock_fd, -1
        if fd >= 0:
            # Removed while it is held: whoever has opened it already sees that it is no lock.
            self._lock_path.unlink(missing_ok=True)
            os.close(fd)

    def _take(self, state: Path) -> int:
        if not _binds("127.77.0.1", 0):
            return 0
        for n in random.sample(range(1, 255), 254):
            path = state / f"network-{n}.lock"
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if locked(fd, path):
                self._lock_fd, self._lock_path = fd, path
                return n
            os.close(fd)
        raise ClusterError(
            "all 254 networks 127.<n>.0.0/16 are taken by running clusters",
            f"lower some of them; the locks are in {state}",
        )

    def _usable_port(self, wanted: int) -> int:
        probe = self.regional_address(_LAST_HOST)
        for port in range(wanted, 65_000, 10_000):
            if _binds(probe, port):
                return port
        raise ClusterError(
            f"port {wanted} and its substitutes are in use on {probe}",
            f"find who holds them: ss -ltnp 'sport = :{wanted}'",
        )

    def _fresh_port(self) -> int:
        while True:
            with socket.socket() as probe:
                probe.bind((_SINGLE, 0))
                port: int = probe.getsockname()[1]
            if port not in self._given_ports:
                self._given_ports.add(port)
                return port


def require_free(host: str, port: int) -> None:
    """Check that `host:port` can be listened on.

    Raises:
        ClusterError: it is in use (or not ours to bind), naming the cure.
    """
    try:
        _bind(host, port)
    except OSError as error:
        why = "in use" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
        raise ClusterError(
            f"{host} port {port} is {why}",
            f"find who holds it and stop it: ss -ltnp 'sport = :{port}'",
        ) from error


def accepts(host: str, port: int, timeout_s: float = 0.5) -> bool:
    """Whether a connection to `host:port` is accepted."""
    try:
        socket.create_connection((host, port), timeout_s).close()
    except OSError:
        return False
    return True


def _binds(host: str, port: int) -> bool:
    try:
        _bind(host, port)
    except OSError:
        return False
    return True


def _bind(host: str, port: int) -> None:
    with socket.socket() as probe:
        # As every server does: connections of the past in TIME_WAIT are nobody's.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)
