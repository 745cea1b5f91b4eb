"""A process that gets a share of its processor time only: run for a while, stand still for a while.

What cgroups do with a quota, without needing them: SIGSTOP and SIGCONT in turn. Knows no reason.
"""

from __future__ import annotations

import threading

from statedrill.processes.process import Process


class CpuThrottle:
    """Holds `process` still for all but `share` (0 to 1) of each `period_s`, from `start` on."""

    def __init__(self, process: Process, share: float, period_s: float) -> None:
        self._process = process
        self._run_s, self._stand_s = share * period_s, (1 - share) * period_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="cpu-throttle", daemon=True)

    def start(self) -> None:
        """Begin with standing still."""
        self._thread.start()

    def stop(self) -> None:
        """Let the process run; idempotent."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        while self._process.alive:
            self._process.hold()
            ended = self._ending.wait(self._stand_s)
            self._process.release()
            if ended or self._ending.wait(self._run_s):
                return
