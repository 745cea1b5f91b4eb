from __future__ import annotations

import os
import signal
import threading

import pytest

from statedrill.processes.shutdown import Shutdown


def test_a_job_runs_once_however_many_ask_for_it() -> None:
    runs: list[int] = []
    shutdown = Shutdown(lambda: runs.append(1))
    threads = [threading.Thread(target=shutdown.run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shutdown.run()
    assert runs == [1]


def test_an_interrupt_is_raised_when_the_job_is_done_and_not_before() -> None:
    returned, done = threading.Event(), []

    def job() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        done.append(not returned.wait(0.5))

    with pytest.raises(KeyboardInterrupt):
        Shutdown(job).run()
    returned.set()
    assert done == [True]
