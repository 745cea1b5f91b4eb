"""The parent of every child: one thread that lives as long as this program.

The kernel sends the parent-death signal when the thread that spawned the child ends, so a child
started from a short-lived thread would be killed with it. Knows no process by name.
"""

from __future__ import annotations

import queue
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future


class Spawner:
    """Runs jobs one after the other in its thread, which the first job starts."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], None], Future[None]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, job: Callable[[], None]) -> None:
        """Run `job` in the spawner's thread, wait for it and raise what it raised."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="spawner", daemon=True)
                self._thread.start()
        done: Future[None] = Future()
        self._jobs.put((job, done))
        done.result()

    def _loop(self) -> None:
        while True:
            job, done = self._jobs.get()
            try:
                done.set_result(job())
            except BaseException as error:  # raised again in the thread that called run()
                done.set_exception(error)


SPAWNER = Spawner()


def dies_with_owner() -> tuple[str, ...]:
    """Command prefix that has a child killed when its owner is gone; empty where there is none.

    A change of credentials clears the signal: a command that drops privileges must repeat the
    prefix after that change.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()
