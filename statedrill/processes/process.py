"""One child process as a state machine whose transitions are asserted.

A process has its own process group and log file, ends with its owner, and emits an event at an
exit that was not asked for. Does not know what the process is for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from statedrill.errors import ClusterError
from statedrill.history.events import Emit
from statedrill.processes.exit_code import describe_exit
from statedrill.processes.process_state import NEXT, State
from statedrill.processes.spawner import SPAWNER, dies_with_owner

MARKER = "STATEDRILL_CLUSTER"
"""Environment variable that every child carries: the id of its cluster."""

_POLL_S = 0.02
_TAIL_BYTES = 8192


class Process:
    """A command that is started, watched and ended; every transition is asserted and emitted.

    `ready` is called every 20 ms while starting. `on_exit(process, code)` is called in a thread of
    its own after an exit that `stop` did not ask for, `kill` included; `code` is negative for a
    signal. `env` is added to this process's own environment and must carry the cluster's marker
    (`ProcessRegistry.process` adds it). `unready` says what is missing when the process is not
    ready in time. A stopped or dead process can be started again; `started_s` is the monotonic
    time of its newest start.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a process takes that many words
        self,
        name: str,
        role: str,
        zone: str,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        ready: Callable[[], bool],
        emit: Emit,
        cwd: Path | None = None,
        on_exit: Callable[[Process, int], None] | None = None,
        on_spawn: Callable[[Process], None] | None = None,
        unready: str = "",
    ) -> None:
        if MARKER not in env:
            raise ValueError(f"{name}: the environment must carry {MARKER}")
        self.name, self.role, self.zone = name, role, zone
        self.command, self.env, self.log, self.cwd = tuple(command), dict(env), log, cwd
        self.exit_code: int | None = None
        self.started_s = 0.0
        self._ready, self._emit, self._on_exit, self._on_spawn = ready, emit, on_exit, on_spawn
        self._unready = f": {unready}" if unready else ""
        self._changed = threading.Condition(threading.RLock())
        self._state = State.STOPPED
        self._child: subprocess.Popen[bytes] | None = None
        self._retired = False
        self._log_start = 0

    @property
    def state(self) -> State:
        """The state as of now."""
        return self._state

    @property
    def alive(self) -> bool:
        """Whether the process exists, paused or being stopped included."""
        return self._state not in (State.STOPPED, State.DEAD)

    @property
    def pid(self) -> int:
        """Process id of the newest start, which is also its process group; 0 before any start."""
        return self._child.pid if self._child else 0

    @property
    def frozen(self) -> bool:
        """Whether the kernel says that it exists and stands still until it is resumed."""
        with contextlib.suppress(psutil.Error):
            return self.alive and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        return False

    def start(self, timeout_s: float) -> None:
        """Start the command and wait until it is ready.

        Raises:
            ClusterError: it could not be started, died while starting (with its last log lines),
                was not ready in time (it is killed then), or was stopped meanwhile.
        """
        # Spawned and recorded by the spawner: an interrupted caller leaves no unknown child.
        SPAWNER.run(self._spawn)
        self._wait_ready(time.monotonic() + timeout_s, timeout_s)

    def stop(self, grace_s: float = 2.0) -> None:
        """Ask with SIGTERM, after `grace_s` SIGKILL the process group; returns when it is gone.

        Without grace it is not asked, so that a paused process does not run for another moment.
        """
        with self._changed:
            if self.alive and self._state is not State.STOPPING:
                self._transition(State.STOPPING)
                if grace_s > 0:
                    self._signal(signal.SIGTERM)
                    self._signal(signal.SIGCONT)  # a paused process takes SIGTERM only running
            gone = self._changed.wait_for(self._gone(), grace_s)
        if not gone:
            self.kill()
            self.wait_gone()

    def kill(self) -> None:
        """SIGKILL the process, its group and all descendants; does not wait (see `wait_gone`)."""
        with self._changed:
            if not self.alive:
                return
            # Held still, it makes no more; PostgreSQL's backends have groups of their own.
            self._signal(signal.SIGSTOP)
            with contextlib.suppress(psutil.Error):
                for descendant in psutil.Process(self.pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        descendant.kill()
            self._signal_group(signal.SIGKILL)

    def forbid(self) -> None:
        """Refuse every later start; a process that is there already goes on."""
        with self._changed:
            self._retired = True

    def retire(self, grace_s: float = 2.0) -> None:
        """Stop, and refuse to start ever again."""
        self.forbid()
        self.stop(grace_s)

    def wait_gone(self, timeout_s: float = 10.0) -> None:
        """Return when the current process has ended and was reaped.

        Raises:
            ClusterError: it is still there after `timeout_s` (stuck in the kernel).
        """
        with self._changed:
            if not self._changed.wait_for(self._gone(), timeout_s):
                raise ClusterError(
                    f"{self.name} (pid {self.pid}) survived SIGKILL for {timeout_s:g} s",
                    f"see what it waits for: ps -o stat,wchan {self.pid}",
                )

    def pause(self) -> None:
        """SIGSTOP the process group: the processes exist, but answer nothing."""
        with self._changed:
            self._transition(State.PAUSED)
            self._signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT the process group, when it is paused."""
        with self._changed:
            if self._state is State.PAUSED:
                self._transition(State.READY)
                self._signal_group(signal.SIGCONT)

    def hold(self) -> None:
        """SIGSTOP for a moment: no change of state, and no event."""
        self._signal_group(signal.SIGSTOP)

    def release(self) -> None:
        """SIGCONT after `hold`, unless it is paused."""
        with self._changed:
            if self._state is not State.PAUSED:
                self._signal_group(signal.SIGCONT)

    def log_tail(self, lines: int = 10) -> str:
        """The last lines that the newest start wrote, without escape noise; may be empty."""
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - _TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        return ""

    def _spawn(self) -> None:
        with self._changed:
            if self._retired:
                raise ClusterError(f"{self.name} is not started: its zone or the cluster is down")
            assert not self.alive, f"{self.name} is {self._state} and cannot be started"
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                self._log_start = log.tell()
                self._child = self._popen(log.fileno())
            self.exit_code, self.started_s = None, time.monotonic()
            self._transition(State.STARTING)
            threading.Thread(target=self._reap, args=(self._child,), daemon=True).start()
        if self._on_spawn:
            self._on_spawn(self)

    def _popen(self, log: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*dies_with_owner(), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                cwd=self.cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise ClusterError(
                f"{self.name} could not be started: {error}", f"command: {' '.join(self.command)}"
            ) from error

    def _wait_ready(self, deadline: float, timeout_s: float) -> None:
        while time.monotonic() < deadline:
            if self._state is State.STARTING and self._ready():
                with self._changed:
                    if self._state is State.STARTING:
                        self._transition(State.READY)
            with self._changed:
                done = self._state is State.DEAD and self.exit_code == 0 and self._ready()
                if done or self._state in (State.READY, State.PAUSED):  # `done`: a short command
                    return
                if self._state is not State.STARTING:
                    raise self._failed(f"{describe_exit(self.exit_code)} while starting")
                self._changed.wait(_POLL_S)
        self.stop(0.0)
        raise self._failed(f"was not ready within {timeout_s:g} s{self._unready}")

    def _failed(self, what: str) -> ClusterError:
        tail = self.log_tail()
        said = f"; its last lines:\n{tail}" if tail else " and wrote nothing"
        return ClusterError(
            f"{self.name} ({self.role}) {what}{said}",
            f"full log: {self.log}\n  command: {' '.join(self.command)}",
        )

    def _reap(self, child: subprocess.Popen[bytes]) -> None:
        """Wait for the exit, end what is left of the group, and report it."""
        if sys.platform == "linux":
            # WNOWAIT keeps the pid taken until the group was swept: no other process can get it.
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        else:
            child.wait()
        with self._changed:
            self._signal_group(signal.SIGKILL)
            self.exit_code = child.wait()
            asked = self._state is State.STOPPING
            if asked:
                self._transition(State.STOPPED)
            else:
                self._transition(
                    State.DEAD, why=describe_exit(self.exit_code), log_tail=self.log_tail()
                )
        if not asked and self._on_exit:
            self._on_exit(self, self.exit_code)

    def _transition(self, state: State, **fields: object) -> None:
        assert state in NEXT[self._state], f"{self.name}: {self._state} -> {state}"
        self._state = state
        self._changed.notify_all()
        self._emit(
            "process",
            name=self.name,
            role=self.role,
            zone=self.zone,
            state=state.value,
            pid=self.pid,
            **fields,
        )

    def _gone(self) -> Callable[[], bool]:
        """A condition: the current child is gone, even when a new one was started meanwhile."""
        child = self._child
        return lambda: not self.alive or self._child is not child

    def _signal(self, number: signal.Signals) -> None:
        with self._changed, contextlib.suppress(ProcessLookupError, PermissionError):
            if self.alive and self._child:
                os.kill(self._child.pid, number)

    def _signal_group(self, number: signal.Signals) -> None:
        # macOS answers EPERM for a group of which only a zombie is left.
        with self._changed, contextlib.suppress(ProcessLookupError, PermissionError):
            if self.alive and self._child:
                os.killpg(self._child.pid, number)
