"""Several starts at once, of which the first failure counts at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait

_LOOK_S = 0.1


def in_parallel(
    jobs: Mapping[str, Callable[[], object]], threads: list[threading.Thread] | None = None
) -> None:
    """Run named jobs, each in a thread of that name; returns when all are done.

    A failure is raised as soon as it happens; the other jobs are left to themselves, in threads
    that cannot keep the program from ending. `threads` collects them for who must wait after all.
    """
    started = threads if threads is not None else []
    futures = [_future(name, job, started) for name, job in jobs.items()]
    while wait(futures, _LOOK_S, return_when=FIRST_EXCEPTION).not_done:
        # Looked at now and then, because a wait without an end can miss Ctrl-C: a signal that
        # comes while the interpreter changes threads, just before it waits, wakes nobody.
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
        except BaseException as error:  # raised again by whoever waits
            future.set_exception(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    started.append(thread)
    thread.start()
    return future
