"""A clean-up that runs once and to its end, however impatient the user is. Knows no process."""

from __future__ import annotations

import threading
from collections.abc import Callable

_POLL_S = 0.2


class Shutdown:
    """Runs `job` once, however often and from wherever `run` is called."""

    def __init__(self, job: Callable[[], None]) -> None:
        self._job = job
        self._done = threading.Event()
        self._starting, self._only_once = threading.Lock(), threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Return when the job is done. An interrupt (Ctrl-C) meanwhile is raised after that."""
        interrupt: KeyboardInterrupt | None = None
        while not self._done.is_set():
            try:
                self._start()
                # Not join(): an interrupted one takes the thread for ended (CPython up to 3.12).
                self._done.wait(_POLL_S)
            except KeyboardInterrupt as pressed:
                interrupt = pressed
        if interrupt:
            raise interrupt

    def _start(self) -> None:
        with self._starting:
            # No id: an interrupt came in the way of its start.
            if self._thread is None or self._thread.ident is None:
                # In a thread: no signal can interrupt the job, only the waiting for it.
                self._thread = threading.Thread(target=self._run, name="shutdown")
                self._thread.start()

    def _run(self) -> None:
        if self._only_once.acquire(blocking=False):
            try:
                self._job()
            finally:
                self._done.set()
