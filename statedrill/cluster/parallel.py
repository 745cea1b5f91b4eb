"""Several starts at once, of which the first failure counts at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, wait


def in_parallel(jobs: Mapping[str, Callable[[], object]]) -> None:
    """Run named jobs, each in a thread of that name; returns when all are done.

    A failure is raised as soon as it happens; the other jobs are left to themselves, in threads
    that cannot keep the program from ending.
    """
    futures = [_future(name, job) for name, job in jobs.items()]
    for future in wait(futures, return_when=FIRST_EXCEPTION).done:
        future.result()


def _future(name: str, job: Callable[[], object]) -> Future[None]:
    future: Future[None] = Future()

    def run() -> None:
        try:
            job()
            future.set_result(None)
        except BaseException as error:  # raised again by whoever waits
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
