"""One server of a managed service: a process with a zone, an address and the time of its death.

Knows how to start it and how to end it at once; the pair decides which of two is the primary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import require_free
from statedrill.errors import ClusterError
from statedrill.processes.process import Process


class Node:
    """A server named `<service>-<number>` in `zone`, with an address of its own.

    Subclasses prepare its folder, say its command, and answer whether it serves.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a node is that much
        self,
        context: ClusterContext,
        service: str,
        number: int,
        zone: str,
        port: int,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.zone = f"{service}-{number}", zone
        self.host, self.port = context.network.zone_address(zone), context.network.port(port)
        self._died_at_s: float | None = None
        self._on_death: Callable[[], None] = lambda: None
        self._process = context.registry.process(
            self.name,
            service,
            zone,
            self.command(),
            ready=self.answers,
            env=env,
            on_exit=self._exited,
        )

    def command(self) -> Sequence[str]:
        """The command that runs this server in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it serves requests now, as primary or as the other."""
        raise NotImplementedError

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return (self.host, self.port)

    @property
    def alive(self) -> bool:
        """Whether its process exists."""
        return self._process.alive

    @property
    def pid(self) -> int:
        """Process id of its newest start."""
        return self._process.pid

    @property
    def died_at_s(self) -> float:
        """When it died, on the monotonic clock; a death that was not reported yet counts as now."""
        if self._died_at_s is None:
            self._died_at_s = time.monotonic()
        return self._died_at_s

    def on_death(self, call: Callable[[], None]) -> None:
        """Have `call` called, in another thread, whenever the process ends unasked."""
        self._on_death = call

    def start(self, timeout_s: float = 15.0) -> None:
        """Start the server; returns when it serves.

        Raises:
            ClusterError: its address is in use, it died or was not ready in time.
        """
        self._died_at_s = None
        require_free(*self.address)
        self._process.start(timeout_s)

    def kill(self) -> None:
        """SIGKILL everything that belongs to it, without warning; does not wait."""
        self._process.kill()

    def wait_gone(self) -> None:
        """Return when its process is gone.

        Raises:
            ClusterError: it survived SIGKILL for ten seconds.
        """
        self._process.wait_gone()

    def promote(self) -> None:
        """Become the primary with the data it has.

        Raises:
            ClusterError: it does not answer, or refuses.
        """
        raise NotImplementedError

    def release_standby(self) -> None:
        """Wait for no standby any more; nothing to do for a primary that never waits for one."""

    def discard(self) -> None:
        """Throw its data away; only for a node that is gone for ever."""
        raise NotImplementedError

    def failed(self, what: str) -> ClusterError:
        """The error that says what this node did not do, with its last log lines."""
        tail = self._process.log_tail()
        return ClusterError(
            f"{self.name} in zone {self.zone} {what}"
            + (f"; its last lines:\n{tail}" if tail else ""),
            f"full log: {self._process.log}",
        )

    def _exited(self, _process: Process, _code: int) -> None:
        if self._died_at_s is None:
            self._died_at_s = time.monotonic()
        self._on_death()
