"""One server of a managed service: a process with a zone, an address and the time of its death.

Knows how to start it, to freeze it and to end it at once, and since when it has been silent; the
pair decides which of two is the primary, and what silence means.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import psutil

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import require_free
from statedrill.cluster.services.failover_decisions import NodeView
from statedrill.errors import ClusterError
from statedrill.processes.process import Process
from statedrill.processes.process_state import State

T = TypeVar("T")

_LOOK_TIMEOUT_S = 0.5
_SHORTEST_LOOK_S = 0.05


class Node:
    """A server named `<service>-<number>` in `zone`, with an address of its own.

    Subclasses prepare its folder, say its command, and answer whether it serves. `silent_since_s`
    is the monotonic time of the first of the looks in a row that got no answer; None: it answers.
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
        self.silent_since_s: float | None = None
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

    def responds(self, timeout_s: float) -> bool:
        """Whether it says anything within `timeout_s`, be it a refusal. For one thread at a time.

        Asked several times a second, over a connection that is kept.
        """
        raise NotImplementedError

    def look(self, detection_s: float, *, is_cut_off: bool = False) -> None:
        """See whether it responds; asks shorter when its silence is `detection_s` long soon.

        `is_cut_off`: its zone is, and so it is silent for whoever looks from outside.
        """
        now_s = time.monotonic()
        left_s = _LOOK_TIMEOUT_S
        if self.silent_since_s is not None:
            left_s = min(left_s, self.silent_since_s + detection_s - now_s)
        if not self.alive or (not is_cut_off and self.responds(max(left_s, _SHORTEST_LOOK_S))):
            self.silent_since_s = None
        elif self.silent_since_s is None:
            self.silent_since_s = now_s

    def view(self) -> NodeView:
        """This node as decisions see it."""
        return NodeView(self.zone, None if self.alive else self.died_at_s, self.silent_since_s)

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
        self._died_at_s = self.silent_since_s = None
        require_free(*self.address)
        self._process.start(timeout_s)

    def kill(self) -> None:
        """SIGKILL everything that belongs to it, without warning; does not wait."""
        self._process.kill()

    def freeze(self) -> None:
        """SIGSTOP everything that belongs to it: it exists, and does nothing.

        Raises:
            ClusterError: it is not running.
        """
        if self._process.state is not State.READY:
            raise ClusterError(f"{self.name} cannot be frozen: it is {self._process.state}")
        self._process.pause()

    def thaw(self) -> None:
        """Have everything that `freeze` stopped go on; idempotent."""
        if self._process.state is State.PAUSED:
            self._process.resume()

    def is_frozen(self) -> bool:
        """Whether it exists and every process of it is stopped."""
        states = {_asked(each, psutil.Process.status) for each in self._family()}
        # A backend that ended just before leaves a zombie, which its stopped parent does not reap.
        return states - {psutil.STATUS_ZOMBIE, None} == {psutil.STATUS_STOPPED}

    def processes(self) -> dict[int, float]:
        """Every process that belongs to it now, its own first: id -> start in Unix seconds."""
        started = {each.pid: _asked(each, psutil.Process.create_time) for each in self._family()}
        return {pid: at for pid, at in started.items() if at is not None}

    def _family(self) -> list[psutil.Process]:
        if not self.alive:
            return []
        try:
            own = psutil.Process(self.pid)
            return [own, *own.children(recursive=True)]
        except psutil.Error:
            return []

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


def _asked(process: psutil.Process, ask: Callable[[psutil.Process], T]) -> T | None:
    """What a process answers; None when it has gone."""
    try:
        return ask(process)
    except psutil.Error:
        return None
