"""HAProxy as a process whose servers are switched while it runs, through its admin socket.

Knows HAProxy's configuration and runtime language; knows not what the servers are for.
"""

from __future__ import annotations

import csv
import socket
from collections.abc import Callable
from pathlib import Path

from statedrill.cluster.binaries import haproxy
from statedrill.errors import ClusterError, MissingPart
from statedrill.processes.open_files import greatest_file_limit
from statedrill.processes.process import Process
from statedrill.processes.registry import ProcessRegistry

_ANSWER_BYTES = 65536
_LEAST_FILES = 512
_MOST_CONNECTIONS = 20_000


class Haproxy:
    """One HAProxy named `name` with an admin socket.

    `config` is all but the section `global`; what it is at a start counts from then on.
    """

    def __init__(  # noqa: PLR0913 - as Process
        self,
        registry: ProcessRegistry,
        name: str,
        config: str,
        *,
        listens: Callable[[], bool],
        on_exit: Callable[[Process, int], None] | None = None,
        zone: str = "region",
    ) -> None:
        self._socket = registry.socket(f"{name}.sock")
        self._file = registry.folder / f"{name}.cfg"
        self._global = _GLOBAL.format(maxconn=most_connections(), socket=self._socket)
        self.config = config
        self.process = registry.process(
            name,
            "load-balancer",
            zone,
            [str(haproxy()), "-db", "-f", str(self._file)],
            # The admin socket comes last: who finds the ports open may not find it yet.
            ready=lambda: listens() and self._answers(),
            on_exit=on_exit,
        )

    def start(self, timeout_s: float = 5.0) -> None:
        """Write the configuration and start; returns when it listens.

        Raises:
            ClusterError: HAProxy refused its configuration or did not listen in time.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(self._global + self.config)
        self.process.start(timeout_s)

    def ask(self, *commands: str) -> str:
        """Run commands through the runtime API and return what they answered.

        Raises:
            ClusterError: HAProxy is not there, or did not like a command.
        """
        try:
            with socket.socket(socket.AF_UNIX) as admin:
                admin.settimeout(2.0)
                admin.connect(str(self._socket))
                admin.sendall(";".join(commands).encode() + b"\n")
                answer = b"".join(iter(lambda: admin.recv(_ANSWER_BYTES), b"")).decode()
        except OSError as error:
            raise ClusterError(f"{self.process.name} does not answer: {error}") from error
        return answer

    def add_server(self, server: str, address: str, port: int, options: str) -> None:
        """A new line `server` (`backend/name`), closed; its backend must not be static.

        Raises:
            ClusterError: there is such a line, or HAProxy does not like the options.
        """
        self._command(f"add server {server} {address}:{port} {options}", expect=("registered",))
        if "check" in options.split():
            self._command(f"enable health {server}")

    def set_server(self, server: str, address: str, port: int) -> None:
        """Point the line `server` (`backend/name`) at an address and let it take traffic.

        Raises:
            ClusterError: there is no such line, or it did not take the address.
        """
        self.move_server(server, address, port)
        self._command(f"set server {server} state ready")

    def move_server(self, server: str, address: str, port: int) -> None:
        """Point the line `server` at an address, open or closed.

        Raises:
            ClusterError: there is no such line, or it did not take the address.
        """
        self._command(
            f"set server {server} addr {address} port {port}", expect=("changed", "no need")
        )

    def set_map(self, file: Path, key: str, value: str) -> None:
        """Let `key` of the map that was read from `file` mean `value`.

        Raises:
            ClusterError: HAProxy is not there, or has read no such file.
        """
        self.ask(f"del map {file} {key}")  # there may be none
        self._command(f"add map {file} {key} {value}")

    def close_server(self, server: str) -> None:
        """No new request or connection for the line `server`; those under way go on."""
        self._command(f"set server {server} state maint")

    def cut_server(self, server: str) -> None:
        """Close every connection that goes through the line `server`."""
        self._command(f"shutdown sessions server {server}")

    def stats(self, backend: str) -> dict[str, dict[str, str]]:
        """The statistics of every server line of a backend, by server name."""
        lines = self.ask(f"show stat {backend} 4 -1").lstrip("# ").strip().splitlines()
        # A process that ends in the middle of its answer leaves a line that is too short.
        rows = [row for row in csv.DictReader(lines) if None not in row.values()]
        return {row["svname"]: row for row in rows if row.get("pxname") == backend}

    def _answers(self) -> bool:
        try:
            return bool(self.ask("show version"))
        except ClusterError:
            return False

    def _command(self, command: str, expect: tuple[str, ...] = ()) -> None:
        answer = self.ask(command).strip()
        if answer and not any(word in answer for word in expect):
            raise ClusterError(f"{self.process.name} refused '{command}': {answer}")


# nbthread 1: one thread carries more than the applications behind it, and costs no second core.
_GLOBAL = """global
  maxconn {maxconn}
  nbthread 1
  hard-stop-after 1s
  stats socket {socket} mode 600 level admin
  log stdout format raw daemon notice

"""


def most_connections() -> int:
    """How many connections of clients one HAProxy holds; more of them wait and time out.

    Raises:
        MissingPart: too few files may be open for any.
    """
    files = greatest_file_limit()
    if files < _LEAST_FILES:
        raise MissingPart(
            f"only {files} files may be open at once, and a load balancer needs {_LEAST_FILES}",
            "raise the limit (`ulimit -n 4096`), then try again; `statedrill doctor` shows it",
        )
    # HAProxy refuses to start when twice this many files (and some) are above the hard limit.
    return min(_MOST_CONNECTIONS, max(100, files // 2 - 500))
