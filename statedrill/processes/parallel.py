"""Runs several jobs at once and raises the first failure at once. Knows no process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait

_POLL_S = 0.1


def in_parallel(
    jobs: Mapping[str, Callable[[], object]], threads: list[threading.Thread] | None = None
) -> None:
    """Run named jobs, each in a thread of that name; returns when all are done.

    A failure is raised as soon as it happens; the other jobs go on in daemon threads. A caller
    that must wait for those gives the list `threads`, to which every thread is added.
    """
    started = threads if threads is not None else []
    futures = [_future(name, job, started) for name, job in jobs.items()]
    while wait(futures, _POLL_S, return_when=FIRST_EXCEPTION).not_done:
        # A timeout, because a wait without one can miss Ctrl-C: a signal that comes while the
        # interpreter switches threads, just before it waits, does not end the wait.
        _raise_failure(futures)
    _raise_failure(futures)


def _raise_failure(futures: Sequence[Future[None]]) -> None:
    for future in futures:
        if future.done():
            future.result()


def _future(name: str, job: Callable[[], object], started: list[threading.Thread]) -> Future[None]:
    future: Future[None] = Future()

    def run() -> None:
        try:
            job()
            future.set_result(None)
        except BaseException as error:  # raised again in the caller of in_parallel
            future.set_exception(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    started.append(thread)
    thread.start()
    return future
